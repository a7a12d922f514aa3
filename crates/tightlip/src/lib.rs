//! Proved Lipschitz bounds of neural networks: every method proposes, the verifier disposes
