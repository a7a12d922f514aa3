//! Which number a method computes, by its name.

/// Options that change the program, not the way it is solved. Their bounds are larger than those of the program without them.
const RESTRICTIONS: [&str; 2] = ["one-input-multiplier=yes", "one-multiplier-per-layer=yes"];

/// Families whose members compute different numbers: products with other norms at the cuts, closed forms with parameters, factors
/// bounded in different ways, and greedy stages, whose optimal multipliers need not be unique although the next stage depends on
/// them.
const FAMILIES: [&str; 5] = ["eclipse", "multiplier-descent", "norm-product", "seqlip", "syed-hu"];

/// The part of a method's name that says which number it computes: what stands before the first point, or the restrictions of
/// the program by options, or for families all of it. Methods that share it and end by themselves must agree.
pub(crate) fn formulation(method: &str) -> &str {
    let first = method.split(['.', ':']).next().unwrap_or(method);
    if FAMILIES.contains(&first) {
        return method;
    }
    RESTRICTIONS.iter().filter_map(|option| method.find(option)).min().map_or(first, |place| &method[place..])
}

#[cfg(test)]
mod tests {
    use tightlip::choose;

    use super::*;

    #[test]
    fn ways_to_solve_a_program_share_its_formulation_and_restrictions_of_it_have_their_own() {
        let of = |name: &str| {
            choose(name).expect("a method of the list");
            formulation(name).to_owned()
        };
        assert_eq!(of("geolip.dual.interior"), "geolip");
        assert_eq!(of("geolip.natural.lifted"), "geolip");
        assert_eq!(of("lipsdp-neuron.full.clarabel:form=published"), "lipsdp-neuron");
        assert_eq!(of("norm-product"), "norm-product");
        assert_eq!(of("syed-hu.gc:c=1.5"), "syed-hu.gc:c=1.5");
        assert_ne!(of("syed-hu.gc"), of("syed-hu"));
        assert_ne!(of("norm-product:cuts=input"), of("norm-product"));
        assert_ne!(of("eclipse.clarabel"), of("eclipse"));
        assert_ne!(of("multiplier-descent:steps=12"), of("multiplier-descent"));
        assert_ne!(of("seqlip.brute"), of("seqlip.certified"));
        for (restriction, other) in [(RESTRICTIONS[0], RESTRICTIONS[1]), (RESTRICTIONS[1], RESTRICTIONS[0])] {
            let restricted = of(&format!("geolip.dual.interior:{restriction}"));
            assert_eq!(of(&format!("geolip.dual.clarabel:{restriction}")), restricted);
            assert_ne!(of("geolip.dual.interior"), restricted);
            assert_ne!(of(&format!("geolip.dual.interior:{other}")), restricted);
            assert_ne!(of(&format!("geolip.dual.interior:{restriction}:{other}")), restricted);
        }
    }
}
