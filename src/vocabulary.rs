//! Closed sets of words, each an enumeration.

/// Makes an enumeration of words that stay the same for good: they are what reports and the configuration say, and what is shown
/// and stored. Each word stands once, beside what it means; JSON and TOML have it as `as_str` does.
macro_rules! vocabulary {
    ($(#[$attribute:meta])* $vis:vis enum $name:ident {
        $($(#[$word_attribute:meta])* $variant:ident => $word:literal,)+
    }) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        $vis enum $name { $($(#[$word_attribute])* #[serde(rename = $word)] $variant,)+ }

        #[allow(dead_code, unreachable_pub, reason = "not every use of words needs all of it")]
        impl $name {
            /// Every one, in the order in which they are documented.
            pub const ALL: &'static [$name] = &[$($name::$variant,)+];

            /// The word for it.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $word,)+ }
            }

            /// The one that a word stands for, in any case.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.as_str().eq_ignore_ascii_case(word))
            }
        }
    };
}

pub(crate) use vocabulary;
