//! Walks over the characters of an expression.

use super::error::{Problem, QueryError};

/// A place in an expression.
#[derive(Clone, Copy)]
pub struct Scanner<'a> {
    text: &'a str,
    /// In bytes, at the border of a character.
    at: usize,
}

/// May stand in an argument without quotation marks.
pub fn is_bare(it: char) -> bool {
    !it.is_whitespace() && !"()[],'\"!=<>~&|".contains(it)
}

fn is_word(it: char) -> bool {
    it.is_ascii_alphanumeric() || it == '_'
}

fn is_attribute_name(it: char) -> bool {
    it.is_ascii_alphanumeric() || "-_./\\".contains(it)
}

impl<'a> Scanner<'a> {
    /// At the beginning.
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// What is still to come.
    pub fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// The next character.
    pub fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Goes over white space.
    pub fn skip_space(&mut self) {
        self.take_while(char::is_whitespace);
    }

    /// Goes over characters as long as they are meant.
    pub fn take_while(&mut self, is_meant: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|it| !is_meant(it)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// Letters, digits and underscores.
    pub fn take_word(&mut self) -> &'a str {
        self.take_while(is_word)
    }

    /// The name of an attribute.
    pub fn take_attribute_name(&mut self) -> &'a str {
        self.take_while(is_attribute_name)
    }

    /// Goes over exactly this, if it is next.
    pub fn eat(&mut self, what: &str) -> bool {
        let is_next = self.rest().starts_with(what);
        if is_next {
            self.at += what.len();
        }
        is_next
    }

    /// The same for a word: no letter may follow.
    pub fn eat_word(&mut self, word: &str) -> bool {
        let mut after = *self;
        let is_next = after.eat(word) && !after.peek().is_some_and(is_word);
        if is_next {
            *self = after;
        }
        is_next
    }

    /// An argument in quotation marks, if one is next: what stands between them.
    pub fn take_quoted(&mut self) -> Result<Option<&'a str>, QueryError> {
        let Some(mark) = self.peek().filter(|it| "'\"".contains(*it)) else {
            return Ok(None);
        };
        let inside = &self.rest()[1..];
        let length = inside.find(mark).ok_or_else(|| self.error(Problem::OpenQuote))?;
        self.at += length + 2;
        Ok(Some(&inside[..length]))
    }

    /// A regular expression without quotation marks: ends before white space, a quotation mark, a parenthesis that
    /// it does not open itself, `&&` and `||`.
    pub fn take_pattern(&mut self) -> &'a str {
        let rest = self.rest();
        let (mut depth, mut is_class, mut is_escaped) = (0_usize, false, false);
        let end = rest.char_indices().find(|(at, it)| {
            let is_end = it.is_whitespace() || "'\"".contains(*it);
            if is_end || is_escaped {
                is_escaped = false;
                return is_end;
            }
            match it {
                '\\' => is_escaped = true,
                '[' => is_class = true,
                ']' => is_class = false,
                _ if is_class => {}
                '(' => depth += 1,
                ')' if depth == 0 => return true,
                ')' => depth -= 1,
                _ => return depth == 0 && (rest[*at..].starts_with("&&") || rest[*at..].starts_with("||")),
            }
            false
        });
        let end = end.map_or(rest.len(), |(at, _)| at);
        self.at += end;
        &rest[..end]
    }

    /// Something is wrong here.
    pub fn error(&self, problem: Problem) -> QueryError {
        QueryError {
            position: self.text[..self.at].chars().count() + 1,
            problem,
        }
    }
}
