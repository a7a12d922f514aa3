//! Solves the conic programs of tightlip with Clarabel
