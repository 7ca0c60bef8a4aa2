//! The roles of organisations by name, as the genesis document and messages have them.
//!
//! Consensus-critical: yes

use touchstone_proto::ledger::Role;

const NAMES: [(&str, Role); 11] = [
    ("platform", Role::Platform),
    ("logistics", Role::Logistics),
    ("manufacturer", Role::Manufacturer),
    ("ip-office", Role::IpOffice),
    ("court", Role::Court),
    ("designer", Role::Designer),
    ("customs", Role::Customs),
    ("inspection", Role::Inspection),
    ("laboratory", Role::Laboratory),
    ("retail", Role::Retail),
    ("assistance", Role::Assistance),
];

/// The role with this name.
pub fn named(name: &str) -> Option<Role> {
    let mut known = NAMES.iter();
    known.find(|(n, _)| *n == name).map(|(_, role)| *role)
}

/// The name of a role.
pub fn name(role: Role) -> &'static str {
    let mut known = NAMES.iter();
    let found = known.find(|(_, r)| *r == role);
    found.map_or("unspecified", |(name, _)| name)
}

/// The names of roles, in their order, with commas between.
pub fn names(roles: &[Role]) -> String {
    let names: Vec<_> = roles.iter().map(|role| name(*role)).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_roles_are_one_to_one() {
        let mut roles = 0;
        for number in 1..100 {
            let Ok(known) = Role::try_from(number) else {
                break;
            };
            roles += 1;
            assert_eq!(named(name(known)), Some(known));
        }
        assert_eq!(roles, NAMES.len());
        assert_eq!(named("unspecified"), None);
        assert_eq!(named("Platform"), None);
        assert_eq!(name(Role::Unspecified), "unspecified");
        assert_eq!(names(&[Role::Court, Role::Retail]), "court, retail");
    }
}
