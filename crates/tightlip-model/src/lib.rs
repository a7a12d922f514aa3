//! Networks, model files, norms, queries and the increment system that every bound speaks about
