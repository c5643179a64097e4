//! The witnesses of a question.
//!
//! Where a mail server has checked who sent reports, a witness is a domain that passed, under however many names it
//! reports, and all reports that nobody checked are together one witness more: their names can be anybody's. Where nothing
//! was checked, each operator that the names mean is taken for a witness: "Enterprise Outlook" and "Outlook.com" are one.

use std::collections::HashMap;

use rustc_hash::FxHashMap;

use super::sighting::UNCHECKED;
use crate::reporter::operator;
use crate::store::StoreError;

/// What all reporters whose reports nobody checked are called together.
const UNCHECKED_REPORTERS: &str = "unchecked reporters";

/// Reporters as they are met, by small numbers.
#[derive(Debug, Default)]
pub(super) struct Met {
    places: FxHashMap<(i64, bool), u32>,
    /// The number of the name, and whether the report passed.
    list: Vec<(i64, bool)>,
    /// By place, the number of its operator, once it was asked for.
    operators: Vec<Option<u32>>,
    /// The numbers of operators that are known, apart those of reports that passed and of others.
    numbers: HashMap<(String, bool), u32>,
}

/// Witnesses by small numbers.
#[derive(Debug, Default)]
pub(super) struct Witnesses {
    /// The witness of each reporter, by the place that it has in [`Met`].
    pub(super) of: Vec<u32>,
    /// The same by the number of its operator.
    pub(super) of_operators: FxHashMap<u32, u32>,
    pub(super) names: Vec<String>,
    /// How answers list each reporter, by the place that it has in [`Met`]: where nothing was checked, under its own name.
    pub(super) listed: Vec<u32>,
    pub(super) listed_names: Vec<String>,
    /// The one that all unchecked reports are.
    pub(super) unchecked: Option<u32>,
}

impl Met {
    /// The place of a reporter, for reports that passed or for others.
    pub(super) fn place(&mut self, reporter: i64, checked: bool) -> u32 {
        let list = &mut self.list;
        *self.places.entry((reporter, checked)).or_insert_with(|| {
            list.push((reporter, checked));
            list.len() as u32 - 1
        })
    }

    /// The number of the operator of a reporter, marked where nobody checked its reports, see [`Sighting`](super::Sighting); `text`
    /// tells names by their numbers.
    pub(super) fn operator(
        &mut self,
        place: u32,
        text: impl FnOnce(i64) -> Result<String, StoreError>,
    ) -> Result<u32, StoreError> {
        let at = place as usize;
        if let Some(&Some(known)) = self.operators.get(at) {
            return Ok(known);
        }
        let (reporter, checked) = self.list[at];
        let next = self.numbers.len() as u32 | if checked { 0 } else { UNCHECKED };
        let number = *self.numbers.entry((operator(&text(reporter)?).into_owned(), checked)).or_insert(next);
        self.operators.resize(self.list.len(), None);
        self.operators[at] = Some(number);
        Ok(number)
    }

    /// Who bears witness; `text` tells names by their numbers.
    pub(super) fn witnesses(
        &self,
        mut text: impl FnMut(i64) -> Result<String, StoreError>,
    ) -> Result<Witnesses, StoreError> {
        let mut found = Witnesses::default();
        let any_checked = self.list.iter().any(|(_, checked)| *checked);
        let mut by_operator: HashMap<String, u32> = HashMap::new();
        for &(reporter, checked) in &self.list {
            let name = text(reporter)?;
            if !any_checked {
                found.listed.push(found.listed_names.len() as u32);
                found.listed_names.push(name.clone());
            }
            let new = found.names.len() as u32;
            let place = match (checked, any_checked) {
                (false, true) => *found.unchecked.get_or_insert(new),
                (true, _) | (false, false) => *by_operator.entry(operator(&name).into_owned()).or_insert(new),
            };
            if let Some(&Some(operator)) = self.operators.get(found.of.len()) {
                found.of_operators.insert(operator, place);
            }
            found.of.push(place);
            if place == new {
                found.names.push(if checked || !any_checked { name } else { UNCHECKED_REPORTERS.to_owned() });
            } else if (checked || !any_checked) && found.names[place as usize] != name {
                // Of several names none says who it is.
                found.names[place as usize] = operator(&name).into_owned();
            }
        }
        if any_checked {
            (found.listed, found.listed_names) = (found.of.clone(), found.names.clone());
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names of witnesses, and the witness of each of some reporters.
    fn of(met: &[(&str, bool)]) -> (Vec<String>, Vec<u32>) {
        let mut found = Met::default();
        // Equal names have the number of the first.
        let number = |name: &str| met.iter().position(|other| other.0 == name).unwrap() as i64;
        let reporters: Vec<u32> = met.iter().map(|&(name, checked)| found.place(number(name), checked)).collect();
        let witnesses = found.witnesses(|number| Ok(met[number as usize].0.to_owned())).unwrap();
        let of = reporters.into_iter().map(|place| witnesses.of[place as usize]).collect();
        (witnesses.names, of)
    }

    #[test]
    fn unchecked_names_are_witnesses_where_nothing_was_checked() {
        let (names, of) = of(&[("google.com", false), ("yahoo", false), ("google.com", false)]);
        assert_eq!((names, of), (vec!["google.com".to_owned(), "yahoo".to_owned()], vec![0, 1, 0]));
    }

    #[test]
    fn unchecked_names_of_one_operator_are_one_witness() {
        let (names, of) = of(&[
            ("enterprise outlook", false),
            ("post of the north", false),
            ("outlook.com", false),
            ("mx1.mailhaven.example", false),
            ("post of the south", false),
            ("mailhaven.example", false),
        ]);
        assert_eq!(names, ["microsoft.com", "post of the north", "mailhaven.example", "post of the south"]);
        assert_eq!(of, [0, 1, 0, 2, 3, 2]);
    }

    #[test]
    fn domains_that_passed_are_witnesses_and_all_others_are_one() {
        let (names, of) = of(&[
            ("google.com", false),
            ("google.com", true),
            ("outlook.com", true),
            ("yahoo", false),
            ("a (by evil.example)", true),
            ("enterprise outlook", true),
            ("b.evil.example", true),
            ("comcast", false),
        ]);
        assert_eq!(names, ["unchecked reporters", "google.com", "microsoft.com", "evil.example"]);
        assert_eq!(of, [0, 1, 2, 0, 3, 2, 3, 0]);
    }
}
