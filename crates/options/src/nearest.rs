//! Which option a misspelt name means.
use crate::table::TABLE;

/// The option whose name comes nearest to one that is none.
pub fn nearest(name: &str) -> &'static str {
    let options = TABLE.iter().filter_map(|row| row.name.to_str().ok());
    options.min_by_key(|option| distance(name, option)).unwrap_or_default()
}

/// How many letters must be put in, left out or changed to make one name of the other (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    const LONGEST: usize = 64;
    let [one, other] = [one, other].map(|name| &name.as_bytes()[..name.len().min(LONGEST)]);
    let mut row: [usize; LONGEST + 1] = std::array::from_fn(|index| index);
    for (above, letter) in one.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = above + 1;
        for (index, its) in other.iter().enumerate() {
            let changed = diagonal + usize::from(letter != its);
            diagonal = row[index + 1];
            row[index + 1] = changed.min(diagonal + 1).min(row[index] + 1);
        }
    }
    row[other.len()]
}
