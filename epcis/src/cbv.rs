//! The Core Business Vocabulary 2.0: the words that an event may use without a namespace.
//!
//! Consensus-critical: yes

/// Business steps (CBV 2.0 §7.1).
const BIZ_STEPS: &[&str] = &[
    "accepting",
    "arriving",
    "assembling",
    "collecting",
    "commissioning",
    "consigning",
    "creating_class_instance",
    "cycle_counting",
    "decommissioning",
    "departing",
    "destroying",
    "disassembling",
    "dispensing",
    "encoding",
    "entering_exiting",
    "holding",
    "inspecting",
    "installing",
    "killing",
    "loading",
    "other",
    "packing",
    "picking",
    "receiving",
    "removing",
    "repackaging",
    "repairing",
    "replacing",
    "reserving",
    "retail_selling",
    "sampling",
    "sensor_reporting",
    "shipping",
    "staging_outbound",
    "stock_taking",
    "stocking",
    "storing",
    "transporting",
    "unloading",
    "unpacking",
    "void_shipping",
];

/// Dispositions (CBV 2.0 §7.2).
const DISPOSITIONS: &[&str] = &[
    "active",
    "available",
    "completeness_inferred",
    "completeness_verified",
    "conformant",
    "container_closed",
    "container_open",
    "damaged",
    "destroyed",
    "dispensed",
    "disposed",
    "encoded",
    "expired",
    "in_progress",
    "in_transit",
    "inactive",
    "mismatch_class",
    "mismatch_instance",
    "mismatch_quantity",
    "needs_replacement",
    "no_pedigree_match",
    "non_conformant",
    "non_sellable_other",
    "partially_dispensed",
    "recalled",
    "reserved",
    "retail_sold",
    "returned",
    "sellable_accessible",
    "sellable_not_accessible",
    "stolen",
    "unavailable",
    "unknown",
];

/// Types of business transactions (CBV 2.0 §7.3).
const TRANSACTION_TYPES: &[&str] = &[
    "bol",
    "cert",
    "desadv",
    "inv",
    "pedigree",
    "po",
    "poc",
    "prodorder",
    "recadv",
    "rma",
    "testprd",
    "testres",
    "upevt",
];

/// Types of sources and destinations (CBV 2.0 §7.4).
const SOURCE_TYPES: &[&str] = &["location", "owning_party", "possessing_party"];

/// Reasons of error declarations (CBV 2.0 §7.5).
const ERROR_REASONS: &[&str] = &["did_not_occur", "incorrect_data"];

/// What sensors measure (GS1 Web Vocabulary, `MeasurementType`). The first two are of its drafts, and
/// public documents have them.
const MEASUREMENTS: &[&str] = &[
    "EffectiveDoseRate",
    "Molar_concentration",
    "AbsoluteHumidity",
    "AbsorbedDose",
    "AbsorbedDoseRate",
    "Acceleration",
    "Radioactivity",
    "Altitude",
    "AmountOfSubstance",
    "AmountOfSubstancePerUnitVolume",
    "Angle",
    "AngularAcceleration",
    "AngularMomentum",
    "AngularVelocity",
    "Area",
    "Capacitance",
    "Conductance",
    "Conductivity",
    "Count",
    "Density",
    "Dimensionless",
    "DoseEquivalent",
    "DoseEquivalentRate",
    "DynamicViscosity",
    "ElectricCharge",
    "ElectricCurrent",
    "ElectricCurrentDensity",
    "ElectricFieldStrength",
    "Energy",
    "Exposure",
    "Force",
    "Frequency",
    "Illuminance",
    "Inductance",
    "Irradiance",
    "KinematicViscosity",
    "Length",
    "LinearMomentum",
    "Luminance",
    "LuminousFlux",
    "LuminousIntensity",
    "MagneticFlux",
    "MagneticFluxDensity",
    "MagneticVectorPotential",
    "Mass",
    "MassConcentration",
    "MassFlowRate",
    "MassPerAreaTime",
    "MemoryCapacity",
    "MolalityOfSolute",
    "MolarEnergy",
    "MolarMass",
    "MolarVolume",
    "Power",
    "Pressure",
    "RadiantFlux",
    "RadiantIntensity",
    "RelativeHumidity",
    "Resistance",
    "Resistivity",
    "SolidAngle",
    "SpecificVolume",
    "Speed",
    "SurfaceDensity",
    "SurfaceTension",
    "Temperature",
    "Time",
    "Torque",
    "Voltage",
    "Volume",
    "VolumeFlowRate",
    "VolumeFraction",
    "VolumetricFlux",
    "Wavenumber",
];

/// What sensors warn of (GS1 Web Vocabulary, `SensorAlertType`).
const SENSOR_ALERTS: &[&str] = &["ALARM_CONDITION", "ERROR_CONDITION"];

/// Components of a measurement (CBV 2.0 §7.6).
const COMPONENTS: &[&str] = &[
    "x",
    "y",
    "z",
    "axial_distance",
    "azimuth",
    "height",
    "spherical_radius",
    "polar_angle",
    "elevation_angle",
    "easting",
    "northing",
    "latitude",
    "longitude",
    "altitude",
];

/// A list of the vocabulary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Vocabulary {
    BizStep,
    Disposition,
    TransactionType,
    SourceType,
    ErrorReason,
    Measurement,
    SensorAlert,
    Component,
}

impl Vocabulary {
    /// The lists whose words have URNs in CBV 1.2.
    pub(super) const ALL: [Vocabulary; 5] = [
        Vocabulary::BizStep,
        Vocabulary::Disposition,
        Vocabulary::TransactionType,
        Vocabulary::SourceType,
        Vocabulary::ErrorReason,
    ];

    /// The start of a word's full URI (CBV 2.0 §4).
    pub(super) fn uri(self) -> &'static str {
        let [uri, ..] = self.prefixes();
        uri
    }

    /// The start of a word's URN (CBV 1.2).
    pub(super) fn urn(self) -> &'static str {
        let [.., urn] = self.prefixes();
        urn
    }

    /// The list's name in a message.
    pub(super) fn name(self) -> &'static str {
        match self {
            Vocabulary::BizStep => "business step",
            Vocabulary::Disposition => "disposition",
            Vocabulary::TransactionType => "business transaction type",
            Vocabulary::SourceType => "source or destination type",
            Vocabulary::ErrorReason => "reason of an error",
            Vocabulary::Measurement => "type of measurement",
            Vocabulary::SensorAlert => "type of a sensor's alert",
            Vocabulary::Component => "component of a measurement",
        }
    }

    fn words(self) -> &'static [&'static str] {
        match self {
            Vocabulary::BizStep => BIZ_STEPS,
            Vocabulary::Disposition => DISPOSITIONS,
            Vocabulary::TransactionType => TRANSACTION_TYPES,
            Vocabulary::SourceType => SOURCE_TYPES,
            Vocabulary::ErrorReason => ERROR_REASONS,
            Vocabulary::Measurement => MEASUREMENTS,
            Vocabulary::SensorAlert => SENSOR_ALERTS,
            Vocabulary::Component => COMPONENTS,
        }
    }

    /// The ways to write a word in full (CBV 2.0 §4, and CBV 1.2 for the URN).
    fn prefixes(self) -> [&'static str; 4] {
        match self {
            Vocabulary::BizStep => [
                "https://ref.gs1.org/cbv/BizStep-",
                "http://ref.gs1.org/cbv/BizStep-",
                "cbv:BizStep-",
                "urn:epcglobal:cbv:bizstep:",
            ],
            Vocabulary::Disposition => [
                "https://ref.gs1.org/cbv/Disp-",
                "http://ref.gs1.org/cbv/Disp-",
                "cbv:Disp-",
                "urn:epcglobal:cbv:disp:",
            ],
            Vocabulary::TransactionType => [
                "https://ref.gs1.org/cbv/BTT-",
                "http://ref.gs1.org/cbv/BTT-",
                "cbv:BTT-",
                "urn:epcglobal:cbv:btt:",
            ],
            Vocabulary::SourceType => [
                "https://ref.gs1.org/cbv/SDT-",
                "http://ref.gs1.org/cbv/SDT-",
                "cbv:SDT-",
                "urn:epcglobal:cbv:sdt:",
            ],
            Vocabulary::ErrorReason => [
                "https://ref.gs1.org/cbv/ER-",
                "http://ref.gs1.org/cbv/ER-",
                "cbv:ER-",
                "urn:epcglobal:cbv:er:",
            ],
            Vocabulary::Measurement | Vocabulary::SensorAlert => [
                "https://gs1.org/voc/",
                "https://ref.gs1.org/voc/",
                "http://gs1.org/voc/",
                "gs1:",
            ],
            Vocabulary::Component => [
                "https://ref.gs1.org/cbv/Comp-",
                "http://ref.gs1.org/cbv/Comp-",
                "cbv:Comp-",
                "urn:epcglobal:cbv:comp:",
            ],
        }
    }

    /// Whether a word under the vocabulary's own namespaces must be in the list. Types of
    /// transactions, sources and destinations are met in practice with private words there.
    fn closed(self) -> bool {
        matches!(self, Vocabulary::BizStep | Vocabulary::Disposition)
    }

    /// The bare word of a standard term however it is written, or a user's own term (a URI, or a
    /// prefixed name that `@context` resolves) as it is. None if the term isn't in the list.
    pub(super) fn resolve(self, term: &str) -> Option<&str> {
        let bare = self
            .prefixes()
            .iter()
            .find_map(|prefix| term.strip_prefix(prefix));
        let word = bare.unwrap_or(term);
        if (bare.is_some() || !term.contains(':')) && self.words().contains(&word) {
            return Some(word);
        }
        let own = super::identifier::is_uri(term);
        let standard_namespace = CBV_NAMESPACES.iter().any(|prefix| term.starts_with(prefix));
        (own && !(standard_namespace && self.closed())).then_some(term)
    }
}

const CBV_NAMESPACES: [&str; 4] = [
    "https://ref.gs1.org/cbv/",
    "http://ref.gs1.org/cbv/",
    "cbv:",
    "urn:epcglobal:cbv:",
];
