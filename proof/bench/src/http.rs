//! As little HTTP/1.1 as it takes to load a server that we started ourselves: what this costs is measured with it.

/// A request without a body, cut where the token goes.
pub(crate) fn request_around_token(method: &str, path: &str) -> (String, String) {
    (
        format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer "),
        "\r\nContent-Length: 0\r\n\r\n".to_owned(),
    )
}

/// A request with a JSON body.
pub(crate) fn json_request(path: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
        Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// A request with a form.
pub(crate) fn form_request(path: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n\
        Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// One answer at the start of a buffer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Of head and body together.
    pub(crate) length: usize,
}

/// The answer that the buffer starts with; `None`: its head is not complete yet.
pub(crate) fn parse_answer(buffer: &[u8]) -> Option<Answer> {
    let end = buffer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&buffer[..end]).ok()?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let body = lines
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .and_then(|(_, length)| length.trim().parse::<usize>().ok())
        .unwrap_or_default();
    Some(Answer {
        status,
        length: end + 4 + body,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_ends_where_it_says() {
        let parse = |text: &str| parse_answer(text.as_bytes()).map(|answer| (answer.status, answer.length));
        assert_eq!(parse("HTTP/1.1 200 OK\r\nContent-Le"), None);
        assert_eq!(
            parse("HTTP/1.1 204 No Content\r\ndate: now\r\n\r\n"),
            Some((204, 38))
        );
        assert_eq!(
            parse("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"),
            Some((200, 40))
        );
        assert_eq!(parse("nonsense\r\n\r\n"), None);
    }
}
