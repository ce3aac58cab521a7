//! The settings of all programs, from the declarations that they read them by.

use clap::{Arg, Command, CommandFactory};
use std::collections::{BTreeSet, HashSet};

/// Where more commands of a program than these have a setting, the program's name says enough.
const FEW: usize = 3;

const HEAD: &str = "# Settings

Each is an environment variable and a flag: `JETON_LEASE_TTL=5s`, or `--lease-ttl 5s`, which goes before the variable.
Times are written as `500ms`, `10s`, `12h` or `30d`; a number alone is seconds. A value that cannot be used ends the
program with one line that names the setting. Of a variable that begins with `JETON_` and is none of these, a service
warns when it starts.

This page is generated from the programs, which say the same with `--help`.
";

/// A row of a table.
struct Setting {
    topic: String,
    name: String,
    flag: String,
    default: String,
    help: String,
    /// The commands that have it.
    commands: Vec<String>,
}

impl Setting {
    /// `None` for an argument that is no setting, but said each time.
    fn of(arg: &Arg, command: &str) -> Option<Self> {
        let defaults = arg.get_default_values().iter();
        Some(Self {
            topic: arg.get_help_heading().unwrap_or("Other").to_owned(),
            name: arg.get_env()?.to_string_lossy().into_owned(),
            flag: arg.get_long()?.to_owned(),
            default: defaults.map(|value| value.to_string_lossy()).collect(),
            help: help(arg),
            commands: vec![command.to_owned()],
        })
    }

    /// Whether both are one declaration, in two commands.
    fn is_same(&self, other: &Self) -> bool {
        (&self.name, &self.default, &self.help) == (&other.name, &other.default, &other.help)
    }

    fn row(&self) -> String {
        let Self { name, flag, help, .. } = self;
        let default = match self.default.as_str() {
            "" => String::new(),
            default => format!("`{default}`"),
        };
        format!(
            "| `{name}` | `--{flag}` | {default} | {help} | {} |\n",
            self.read_by()
        )
    }

    fn read_by(&self) -> String {
        let program = |command: &str| command.split(' ').next().unwrap_or_default().to_owned();
        let mut names: Vec<String> = Vec::new();
        for command in &self.commands {
            let siblings = self
                .commands
                .iter()
                .filter(|other| program(other) == program(command));
            let name = if siblings.count() > FEW {
                program(command)
            } else {
                command.clone()
            };
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
            .iter()
            .map(|name| format!("`{name}`"))
            .collect::<Vec<_>>()
            .join(", ")
    }
}

/// The whole help on one line, and what may be said.
fn help(arg: &Arg) -> String {
    let text = arg
        .get_long_help()
        .or(arg.get_help())
        .map(ToString::to_string)
        .unwrap_or_default();
    let paragraphs = text
        .split("\n\n")
        .map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "));
    let help = paragraphs.collect::<Vec<_>>().join(". ").replace('|', "\\|");
    let values = arg.get_possible_values();
    let values: Vec<_> = values
        .iter()
        .map(|value| format!("`{}`", value.get_name()))
        .collect();
    if values.is_empty() {
        help
    } else {
        format!("{help} [{}]", values.join(" or "))
    }
}

/// `docs/SETTINGS.md`
pub(crate) fn page() -> String {
    let settings = settings();
    let mut topics: Vec<&str> = settings.iter().map(|setting| setting.topic.as_str()).collect();
    let mut seen = HashSet::new();
    topics.retain(|topic| seen.insert(*topic));
    let mut page = HEAD.to_owned();
    for topic in topics {
        page += &format!(
            "\n## {topic}\n\n| setting | flag | default | what it is | read by |\n|---|---|---|---|---|\n"
        );
        let rows = settings.iter().filter(|setting| setting.topic == topic);
        page.extend(rows.map(Setting::row));
    }
    page
}

/// `known_settings.txt`: what the HTTP kit takes for a setting when it warns of those that are mistyped.
pub(crate) fn known_names() -> String {
    let settings = settings()
        .into_iter()
        .filter(|one| one.name.starts_with("JETON_"));
    let names: BTreeSet<String> = settings.map(|setting| setting.name + "\n").collect();
    names.into_iter().collect()
}

/// All settings, in the order of their declarations.
fn settings() -> Vec<Setting> {
    let mut settings = Vec::new();
    for command in [
        jeton_auth_api::Settings::command(),
        jeton_resource_api::Settings::command(),
        jeton_cli::command(),
    ] {
        let name = command.get_name().to_owned();
        collect(&jeton_http_kit::describe_settings(command), &name, &mut settings);
    }
    settings
}

fn collect(command: &Command, name: &str, settings: &mut Vec<Setting>) {
    for setting in command.get_arguments().filter_map(|arg| Setting::of(arg, name)) {
        if let Some(known) = settings.iter_mut().find(|known| known.is_same(&setting)) {
            known.commands.extend(setting.commands);
            continue;
        }
        // What two programs have under one flag stands together.
        let beside = settings.iter().rposition(|other| other.flag == setting.flag);
        settings.insert(beside.map_or(settings.len(), |at| at + 1), setting);
    }
    for subcommand in command.get_subcommands() {
        collect(subcommand, &format!("{name} {}", subcommand.get_name()), settings);
    }
}
