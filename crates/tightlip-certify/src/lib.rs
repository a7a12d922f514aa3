//! The trusted core of tightlip: proves Lipschitz bounds from multipliers, and checks witnesses and certificates
