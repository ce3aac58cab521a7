use serde::Deserialize;
use uuid::Uuid;

/// The query of a list: `?limit=` (1 to 100, 50 where nothing is said) and `?after=`, the `next` of the page before.
///
/// Pages are cut by id, which grows with time, so that what is created or deleted meanwhile shifts nothing.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(example = json!({
    "limit": 50, "after": "01a20a08-738f-751b-8481-9455bd50dae2"
})))]
pub struct Page {
    /// The most items that the page has.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schema(value_type = u32, minimum = 1, maximum = 100, default = 50))]
    pub limit: PageLimit,
    /// The `next` of the page before.
    pub after: Option<Uuid>,
}

/// From 1 to 100.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "u32")]
pub struct PageLimit(u32);

impl PageLimit {
    /// The number.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }
}

impl Default for PageLimit {
    fn default() -> Self {
        Self(50)
    }
}

impl TryFrom<u32> for PageLimit {
    type Error = &'static str;

    fn try_from(limit: u32) -> Result<Self, &'static str> {
        if (1..=100).contains(&limit) {
            Ok(Self(limit))
        } else {
            Err("from 1 to 100")
        }
    }
}

impl Page {
    /// Cuts what was found, asking for one more than the limit, to a page, and says where the next one starts.
    #[must_use]
    pub fn cut<T>(&self, mut found: Vec<T>, id: impl Fn(&T) -> Uuid) -> (Vec<T>, Option<Uuid>) {
        let limit = self.limit.0 as usize;
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| more).map(id);
        (found, next)
    }
}
