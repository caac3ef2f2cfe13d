//! Recovery sheets: what is needed to read a vault when nothing else is left, on paper.

mod qr;

use ostler_vocabulary::{Failure, Timestamp, VaultId};
use serde::Serialize;

use crate::backend::KeySheet;
use qr::Code;

const PREFIX: &str = "OSTLER-KEY-1:";
/// Letters of the key that stand together.
const GROUP: usize = 8;

/// A sheet. As a document it holds the key.
#[derive(Serialize)]
pub(crate) struct Sheet {
    vault: String,
    id: VaultId,
    location: String,
    /// The key file's line, in groups.
    key: String,
    made: Timestamp,
    /// What the QR code says: a key file.
    qr: String,
    #[serde(skip)]
    code: Code,
}

impl Sheet {
    pub fn of(found: &KeySheet) -> Result<Self, Failure> {
        let key = found.key.reveal();
        let plain: String = key
            .chars()
            .filter(|c| !c.is_whitespace() && *c != '-')
            .map(|c| c.to_ascii_uppercase())
            .collect();
        // Dashes of the prefix were taken out with the others.
        let letters = plain.rsplit(':').next().unwrap_or_default().to_owned();
        let groups: Vec<String> = letters
            .as_bytes()
            .chunks(GROUP)
            .map(|group| String::from_utf8_lossy(group).into_owned())
            .collect();
        let (id, location) = (found.id, &found.location);
        let short = format!("# vault {id}\n{PREFIX}{letters}\n");
        let long = format!("# vault {id}\n# at {location}\n{PREFIX}{letters}\n");
        // Where the address is too long for a code that a terminal can show, it stands beside it only.
        let (qr, code) = match Code::of(&long) {
            Some(code) => (long, code),
            None => {
                let code = Code::of(&short);
                (short, code.ok_or_else(qr::too_long)?)
            }
        };
        Ok(Self {
            vault: found.vault.clone(),
            id: found.id,
            location: found.location.clone(),
            key: format!("{PREFIX}{}", groups.join("-")),
            made: found.made,
            qr,
            code,
        })
    }

    fn lines(&self) -> (Vec<String>, Vec<String>) {
        let above = vec![
            format!(
                "OSTLER RECOVERY SHEET of vault {}, made {:.0}",
                self.vault, self.made
            ),
            "SECRET: whoever sees this page can read every backup in the vault.".to_owned(),
            String::new(),
            format!("vault id  {}", self.id),
            format!("address   {}", self.location),
            String::new(),
            "The key (case, blanks and dashes do not matter):".to_owned(),
            self.key.clone(),
            String::new(),
        ];
        let below = vec![
            "The code is the same key, as the text of a key file.".to_owned(),
            String::new(),
            "To restore on a new machine:".to_owned(),
            format!("  ostler vault add {} --key -", shell(&self.location)),
            "    and type the key; or scan the code into a file and say --key FILE".to_owned(),
            "  ostler backup list".to_owned(),
            "  ostler restore latest --to DIRECTORY".to_owned(),
            "Secrets of the store itself (such as those of S3) are not on this page.".to_owned(),
        ];
        (above, below)
    }

    /// The sheet for a terminal or a plain printer: at most 80 columns, but for a long address.
    /// `on_terminal` draws the light of the code, else its dark, as ink does.
    pub fn text(&self, on_terminal: bool) -> String {
        let (above, below) = self.lines();
        let mut text = String::new();
        for line in above {
            text.push_str(&line);
            text.push('\n');
        }
        text.push_str(&self.code.half_blocks(on_terminal));
        text.push('\n');
        for line in below {
            text.push_str(&line);
            text.push('\n');
        }
        text
    }

    /// The sheet as a page of A4.
    pub fn svg(&self) -> String {
        let (above, below) = self.lines();
        let mut texts = String::new();
        let mut y = 20.0;
        let mut put = |y: f64, line: &str| {
            texts.push_str(&format!("<text x=\"15\" y=\"{y:.1}\">{}</text>\n", escaped(line)));
        };
        for line in &above {
            put(y, line);
            y += 5.5;
        }
        let (top, side) = (y, 90.0);
        y += side + 8.0;
        for line in &below {
            put(y, line);
            y += 5.5;
        }
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"210mm\" height=\"297mm\" viewBox=\"0 0 210 297\">\n\
             <rect width=\"210\" height=\"297\" fill=\"#fff\"/>\n\
             <g font-family=\"monospace\" font-size=\"3.7\" xml:space=\"preserve\">\n{texts}</g>\n{}</svg>\n",
            self.code.svg(60.0, top, side)
        )
    }
}

/// A word of a shell's command line.
fn shell(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/:._-@+=%,".contains(c);
    match word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
