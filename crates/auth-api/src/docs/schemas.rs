use jeton_api_types::ProblemKind;
use jeton_domain::AuditAction;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

/// The document's schemas: those of the types that the endpoints name, and of what these consist of.
pub(crate) struct Schemas {
    by_name: Map<String, Value>,
    examples: Map<String, Value>,
}

impl Schemas {
    pub(super) fn new() -> Self {
        Self {
            by_name: Map::new(),
            examples: Map::new(),
        }
    }

    /// Adds a type that is sent to the service, and refers to it: its fields, and none besides.
    pub(crate) fn request<T: ToSchema>(&mut self) -> Value {
        for (name, mut schema) in all::<T>() {
            forbid_the_rest(&mut schema);
            with_scope_as_oauth_spells_it(&mut schema);
            self.add(name, schema);
        }
        reference(&T::name())
    }

    /// Adds a type that is sent as a form of OAuth's, which may have more fields.
    pub(crate) fn form_of_oauth<T: ToSchema>(&mut self) -> Value {
        for (name, schema) in all::<T>() {
            self.add(name, schema);
        }
        reference(&T::name())
    }

    /// Adds a type that the service answers with, and refers to it. A field that may be null is always there: those that
    /// may be left out are never null.
    pub(crate) fn answer<T: ToSchema>(&mut self) -> Value {
        for (name, mut schema) in all::<T>() {
            self.flatten(&mut schema);
            let always = always(&schema);
            if !always.is_empty() {
                schema["required"] = always.into();
            }
            self.add(name, schema);
        }
        reference(&T::name())
    }

    /// Adds a type as it is sent in a form, which knows neither null nor arrays.
    pub(crate) fn form<T: ToSchema>(&mut self) -> Value {
        let name = T::name().replace("Request", "Form");
        let mut schema = value(&T::schema());
        for field in fields(&mut schema) {
            never_null(field);
            if field["$ref"] == "#/components/schemas/AskedScopes" {
                field["$ref"] = "#/components/schemas/ScopesText".into();
            }
        }
        forbid_the_rest(&mut schema);
        with_scope_as_oauth_spells_it(&mut schema);
        self.add(name.clone(), schema);
        reference(&name)
    }

    /// The parameters of a query that is read into a type.
    pub(crate) fn query<T: ToSchema>(&mut self) -> Vec<Value> {
        let mut types = all::<T>();
        let mut schema = types.remove(0).1;
        for (name, schema) in types {
            self.add(name, schema);
        }
        let example = schema["example"].take();
        let required = schema["required"].take();
        fields(&mut schema).for_each(never_null);
        let is_required = |name: &str| {
            required
                .as_array()
                .is_some_and(|names| names.iter().any(|one| one == name))
        };
        let parameter = |(name, field): (&String, &Value)| {
            let mut schema = field.clone();
            let description = schema
                .as_object_mut()
                .and_then(|schema| schema.shift_remove("description"));
            let mut parameter = json!({
                "name": name, "in": "query", "description": description, "schema": schema, "example": example[name]
            });
            if is_required(name) {
                parameter["required"] = true.into();
            }
            parameter
        };
        let fields = schema["properties"].as_object();
        fields.into_iter().flatten().map(parameter).collect()
    }

    /// Makes one schema of a type's own fields and of those of the type that it has among them, as JSON has them. That one
    /// was added before: an endpoint that answers with it alone comes first.
    fn flatten(&self, schema: &mut Value) {
        let Some(Value::Array(parts)) = schema
            .as_object_mut()
            .and_then(|schema| schema.shift_remove("allOf"))
        else {
            return;
        };
        let (mut properties, mut required) = (Map::new(), Vec::new());
        for mut part in parts {
            let name = part["$ref"].as_str().and_then(|path| path.rsplit('/').next());
            if let Some(named) = name.and_then(|name| self.by_name.get(name)) {
                part = named.clone();
            }
            if let Value::Object(fields) = part["properties"].take() {
                properties.extend(fields);
            }
            if let Value::Array(names) = part["required"].take() {
                required.extend(names);
            }
        }
        schema["type"] = "object".into();
        schema["required"] = required.into();
        schema["properties"] = properties.into();
    }

    fn add(&mut self, name: String, mut schema: Value) {
        if let Some(example) = schema
            .as_object_mut()
            .and_then(|schema| schema.shift_remove("example"))
        {
            self.examples.insert(name.clone(), example);
        }
        self.by_name.entry(name).or_insert(schema);
    }

    /// The example that a schema says itself.
    pub(crate) fn first_example(schema: &Value) -> Value {
        schema["examples"][0].clone()
    }

    /// An example of what a schema describes: its type's own, or one made of those of its fields.
    pub(super) fn example(&self, schema: &Value) -> Value {
        let own = Self::first_example(schema);
        if !own.is_null() {
            return own;
        }
        if let Some(name) = schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
            return match self.examples.get(name) {
                Some(example) => example.clone(),
                None => self.example(&self.by_name[name]),
            };
        }
        if let Some(fields) = schema["properties"].as_object() {
            let fields = fields.iter();
            return fields
                .map(|(name, field)| (name.clone(), self.example(field)))
                .collect();
        }
        match schema.get("items") {
            Some(items) => json!([self.example(items)]),
            None => Value::Null,
        }
    }

    /// What the types cannot say.
    pub(super) fn finish(mut self) -> Map<String, Value> {
        let urn = |kind: &ProblemKind| format!("urn:jeton:problem:{}", kind.slug());
        let types: Vec<_> = ProblemKind::ALL.iter().map(urn).collect();
        let actions: Vec<_> = AuditAction::ALL.iter().map(|action| action.as_str()).collect();
        let mut add = |name: &str, more: Value| {
            if let (Some(schema), Value::Object(more)) = (self.by_name.get_mut(name), more) {
                merge(schema, more);
            }
        };
        add("Problem", json!({ "properties": { "type": { "enum": types } } }));
        add("AuditAction", json!({ "enum": actions }));
        add(
            "PresentedToken",
            json!({ "properties": { "token_type_hint": {
                "type": "string",
                "description": "Is taken, and says nothing: there is one type of token."
            } } }),
        );
        add(
            "CreateUserRequest",
            json!({
                "if": { "required": ["service"], "properties": { "service": { "const": true } } },
                "then": { "properties": { "password": { "type": "null" } } },
                "else": { "required": ["password"], "properties": { "password": { "type": "string" } } }
            }),
        );
        add(
            "Introspection",
            json!({
                "if": { "properties": { "active": { "const": true } } },
                "then": { "required": ["scope", "sub", "username", "iat"] },
                "else": { "maxProperties": 1 }
            }),
        );
        self.by_name
    }
}

/// A type and those that it refers to, by name.
fn all<T: ToSchema>() -> Vec<(String, Value)> {
    let mut types = vec![(T::name().into_owned(), T::schema())];
    T::schemas(&mut types);
    let types = types.into_iter();
    types.map(|(name, schema)| (name, value(&schema))).collect()
}

/// As the document has it. Of a field that may be missing or be something else, utoipa describes the something else.
fn value(schema: &impl serde::Serialize) -> Value {
    let mut schema = serde_json::to_value(schema).unwrap_or_default();
    for field in fields(&mut schema) {
        let Some(choices) = field
            .as_object_mut()
            .and_then(|field| field.shift_remove("oneOf"))
        else {
            continue;
        };
        field["anyOf"] = choices;
        let mut descriptions = field["anyOf"].as_array_mut().into_iter().flatten();
        let description = descriptions.find_map(|one| one.as_object_mut()?.shift_remove("description"));
        if let Some(description) = description {
            field["description"] = description;
        }
    }
    schema
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn fields(schema: &mut Value) -> impl Iterator<Item = &mut Value> {
    let fields = schema.get_mut("properties").and_then(Value::as_object_mut);
    fields.into_iter().flat_map(|fields| fields.values_mut())
}

/// The fields that are required or may be null.
fn always(schema: &Value) -> Vec<String> {
    let required = schema["required"].as_array();
    let is_required = |name: &str| required.is_some_and(|all| all.iter().any(|one| one == name));
    let fields = schema["properties"].as_object().into_iter().flatten();
    fields
        .filter(|(name, field)| is_required(name) || is_nullable(field))
        .map(|(name, _)| name.clone())
        .collect()
}

fn forbid_the_rest(schema: &mut Value) {
    if schema["properties"].is_object() {
        schema["additionalProperties"] = false.into();
    }
}

/// What is asked as `scopes` may be asked as `scope` as well: not as both.
fn with_scope_as_oauth_spells_it(schema: &mut Value) {
    let Some(mut scope) = schema["properties"].get("scopes").cloned() else {
        return;
    };
    scope["description"] = "The same, as OAuth spells it.".into();
    schema["properties"]["scope"] = scope;
    let either = json!([{ "required": ["scopes"] }, { "required": ["scope"] }]);
    let required = schema["required"].as_array_mut();
    match required.and_then(|names| Some((names.iter().position(|name| name == "scopes")?, names))) {
        Some((place, names)) => {
            names.remove(place);
            schema["oneOf"] = either;
        }
        None => schema["not"] = json!({ "required": ["scopes", "scope"] }),
    }
}

fn is_null(schema: &Value) -> bool {
    schema["type"] == "null"
}

fn is_nullable(field: &Value) -> bool {
    let in_types = field["type"]
        .as_array()
        .is_some_and(|types| types.iter().any(|one| one == "null"));
    in_types
        || field["anyOf"]
            .as_array()
            .is_some_and(|choices| choices.iter().any(is_null))
}

/// What is left of a field once it cannot be null.
fn never_null(field: &mut Value) {
    if let Some(types) = field["type"].as_array() {
        let other = types.iter().find(|one| *one != "null").cloned();
        field["type"] = other.unwrap_or_default();
    }
    let Some(field) = field.as_object_mut() else {
        return;
    };
    let Some(Value::Array(choices)) = field.shift_remove("anyOf") else {
        return;
    };
    if let Some(Value::Object(only)) = choices.into_iter().find(|one| !is_null(one)) {
        field.extend(only);
    }
}

fn merge(into: &mut Value, more: Map<String, Value>) {
    for (key, value) in more {
        match value {
            Value::Object(inner) if into[&key].is_object() => merge(&mut into[&key], inner),
            value => into[&key] = value,
        }
    }
}
