//! Lower bounds of Lipschitz constants: points where the network is steep
