//! LipSDP as a pencil and as conic programs
