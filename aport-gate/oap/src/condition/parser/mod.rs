//! Tokens to a tree: precedence climbing, with a bound on recursion.

mod call;
mod error;

pub use error::ConditionError;

use super::ast::{Expr, Operator, Root};
use super::lexer::{Placed, Token, tokens};
use super::{Condition, MAX_DEPTH, MAX_LENGTH};

/// Open brackets and prefixes. A printed tree has up to two for each level of the tree it came from.
const MAX_OPEN: usize = 2 * MAX_DEPTH + 2;

/// Parses a condition.
///
/// # Errors
/// [`ConditionError`]: longer than 1000 characters, nested deeper than 32, an unknown function or method,
/// or a mistake in the grammar, with its byte offset and what was expected.
pub fn parse_condition(source: &str) -> Result<Condition, ConditionError> {
    let length = source.chars().count();
    if length > MAX_LENGTH {
        let message = format!("condition has {length} characters, more than {MAX_LENGTH}");
        return Err(ConditionError::new(source, 0, message));
    }
    let tokens = tokens(source)?;
    let mut parser = Parser {
        source,
        tokens,
        next: 0,
        open: 0,
    };
    let expr = parser.expression(0)?;
    if *parser.peek() != Token::End {
        return Err(parser.expected("an operator or the end"));
    }
    Ok(Condition(expr))
}

struct Parser<'s> {
    source: &'s str,
    tokens: Vec<Placed>,
    next: usize,
    open: usize,
}

type Parsed<T> = Result<T, ConditionError>;

// Binding powers, loosest first.
const OR: u8 = 1;
const AND: u8 = 2;
const NOT: u8 = 3;
const COMPARE: u8 = 4;
const SUM: u8 = 5;
const PRODUCT: u8 = 6;

/// An operator between two operands, or after one.
enum Infix {
    Or,
    And,
    Binary(Operator),
    Is,
}

impl Parser<'_> {
    fn token(&self, ahead: usize) -> &Token {
        self.tokens
            .get(self.next + ahead)
            .map_or(&Token::End, |(_, token)| token)
    }

    fn peek(&self) -> &Token {
        self.token(0)
    }

    fn offset(&self) -> usize {
        self.tokens
            .get(self.next)
            .map_or(self.source.len(), |(at, _)| *at)
    }

    fn error(&self, message: String) -> ConditionError {
        ConditionError::new(self.source, self.offset(), message)
    }

    fn expected(&self, what: &str) -> ConditionError {
        let found = match self.peek() {
            Token::Word(word) => format!("`{word}`"),
            Token::Int(int) => format!("`{int}`"),
            Token::Float(float) => format!("`{float}`"),
            Token::Str(text) => format!("string '{text}'"),
            Token::Mark(mark) => format!("`{mark}`"),
            Token::End => "the end".to_owned(),
        };
        self.error(format!("expected {what}, found {found}"))
    }

    fn is_word(&self, ahead: usize, word: &str) -> bool {
        matches!(self.token(ahead), Token::Word(found) if found.eq_ignore_ascii_case(word))
    }

    fn eat_mark(&mut self, mark: &'static str) -> bool {
        let found = *self.peek() == Token::Mark(mark);
        self.next += usize::from(found);
        found
    }

    fn mark(&mut self, mark: &'static str) -> Parsed<()> {
        if self.eat_mark(mark) {
            Ok(())
        } else {
            Err(self.expected(&format!("`{mark}`")))
        }
    }

    fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.open >= MAX_OPEN {
            return Err(self.error(format!("nested deeper than {MAX_DEPTH} levels")));
        }
        self.open += 1;
        let parsed = inner(self);
        self.open -= 1;
        parsed
    }

    /// Every node is made here, so that no tree is deeper than its evaluation may recurse.
    fn node(&self, expr: Expr) -> Parsed<Expr> {
        if expr.depth() > MAX_DEPTH {
            return Err(self.error(format!("nested deeper than {MAX_DEPTH} levels")));
        }
        Ok(expr)
    }

    /// The operator at hand, how tightly it binds, and how many tokens it takes.
    fn infix(&self) -> Option<(Infix, u8, usize)> {
        let binary = |operator, power| Some((Infix::Binary(operator), power, 1));
        match self.peek() {
            Token::Mark(mark) => match *mark {
                "||" => Some((Infix::Or, OR, 1)),
                "&&" => Some((Infix::And, AND, 1)),
                "==" | "===" => binary(Operator::Equal, COMPARE),
                "!=" | "!==" => binary(Operator::NotEqual, COMPARE),
                "<" => binary(Operator::Less, COMPARE),
                "<=" => binary(Operator::LessEqual, COMPARE),
                ">" => binary(Operator::Greater, COMPARE),
                ">=" => binary(Operator::GreaterEqual, COMPARE),
                "+" => binary(Operator::Add, SUM),
                "-" => binary(Operator::Subtract, SUM),
                "*" => binary(Operator::Multiply, PRODUCT),
                "/" => binary(Operator::Divide, PRODUCT),
                _ => None,
            },
            Token::Word(word) => match word.to_ascii_lowercase().as_str() {
                "or" => Some((Infix::Or, OR, 1)),
                "and" => Some((Infix::And, AND, 1)),
                "in" => binary(Operator::In, COMPARE),
                "not" if self.is_word(1, "in") => {
                    Some((Infix::Binary(Operator::NotIn), COMPARE, 2))
                }
                "contains" => binary(Operator::Contains, COMPARE),
                "starts_with" => binary(Operator::StartsWith, COMPARE),
                "ends_with" => binary(Operator::EndsWith, COMPARE),
                "is" => Some((Infix::Is, COMPARE, 1)),
                _ => None,
            },
            _ => None,
        }
    }

    fn expression(&mut self, least: u8) -> Parsed<Expr> {
        let mut left = self.prefix()?;
        let mut compared = false;
        while let Some((infix, power, length)) = self.infix() {
            if power < least {
                break;
            }
            // `a < b < c` means different things in the dialects; none of them is obvious.
            if power == COMPARE && std::mem::replace(&mut compared, true) {
                return Err(self.error("comparisons do not chain; join them with `and`".to_owned()));
            }
            self.next += length;
            left = match infix {
                Infix::Is => self.is_empty(left)?,
                Infix::Binary(operator) => {
                    let right = self.expression(power + 1)?;
                    self.node(Expr::Binary(operator, Box::new(left), Box::new(right)))?
                }
                Infix::Or => {
                    let mut operands = vec![left];
                    operands.push(self.expression(power + 1)?);
                    while self
                        .infix()
                        .is_some_and(|(infix, ..)| matches!(infix, Infix::Or))
                    {
                        self.next += 1;
                        operands.push(self.expression(power + 1)?);
                    }
                    self.node(Expr::Or(operands))?
                }
                Infix::And => {
                    let mut operands = vec![left];
                    operands.push(self.expression(power + 1)?);
                    while self
                        .infix()
                        .is_some_and(|(infix, ..)| matches!(infix, Infix::And))
                    {
                        self.next += 1;
                        operands.push(self.expression(power + 1)?);
                    }
                    self.node(Expr::And(operands))?
                }
            };
        }
        Ok(left)
    }

    fn is_empty(&mut self, of: Expr) -> Parsed<Expr> {
        let negated = self.is_word(0, "not");
        self.next += usize::from(negated);
        if !self.is_word(0, "empty") {
            return Err(self.expected("`empty` or `not empty`"));
        }
        self.next += 1;
        self.node(Expr::IsEmpty {
            negated,
            of: Box::new(of),
        })
    }

    fn prefix(&mut self) -> Parsed<Expr> {
        if self.eat_mark("!") {
            let of = self.nested(Self::prefix)?;
            return self.node(Expr::Not(Box::new(of)));
        }
        if self.eat_mark("-") {
            let of = self.nested(Self::prefix)?;
            return self.node(Expr::Negate(Box::new(of)));
        }
        if self.is_word(0, "not") {
            // As in Python and SQL: `not a in b` is `not (a in b)`.
            self.next += 1;
            let of = self.nested(|parser| parser.expression(NOT))?;
            return self.node(Expr::Not(Box::new(of)));
        }
        let mut expr = self.primary()?;
        loop {
            if self.eat_mark(".") {
                expr = self.member(expr)?;
            } else if self.eat_mark("[") {
                let index = self.nested(|parser| parser.expression(0))?;
                self.mark("]")?;
                expr = self.node(Expr::Index(Box::new(expr), Box::new(index)))?;
            } else {
                return Ok(expr);
            }
        }
    }

    fn primary(&mut self) -> Parsed<Expr> {
        let token = self.peek().clone();
        let expr = match token {
            Token::Int(int) => Expr::Int(int),
            Token::Float(float) => Expr::Float(float),
            Token::Str(text) => Expr::Str(text),
            Token::Mark("(") => {
                self.next += 1;
                let inner = self.nested(|parser| parser.expression(0))?;
                self.mark(")")?;
                return Ok(inner);
            }
            Token::Mark("[") => {
                self.next += 1;
                let items = self.nested(|parser| parser.list("]"))?;
                return self.node(Expr::List(items));
            }
            Token::Word(word) if *self.token(1) == Token::Mark("(") => return self.call(&word),
            Token::Word(word) => match word.as_str() {
                "true" | "True" | "TRUE" => Expr::Bool(true),
                "false" | "False" | "FALSE" => Expr::Bool(false),
                "null" | "None" | "NULL" => Expr::Null,
                _ if is_keyword(&word) => return Err(self.expected("a value")),
                _ => match Root::ALL.iter().find(|(name, _)| *name == word) {
                    Some((_, root)) => Expr::Root(*root),
                    None => Expr::Name(word),
                },
            },
            Token::Mark(_) | Token::End => return Err(self.expected("a value")),
        };
        self.next += 1;
        Ok(expr)
    }

    /// Comma-separated expressions up to and including the closing mark.
    fn list(&mut self, close: &'static str) -> Parsed<Vec<Expr>> {
        let mut items = Vec::new();
        while !self.eat_mark(close) {
            if !items.is_empty() {
                self.mark(",")?;
            }
            items.push(self.expression(0)?);
        }
        Ok(items)
    }
}

fn is_keyword(word: &str) -> bool {
    ["and", "or", "not", "in", "is", "true", "false", "null"]
        .iter()
        .any(|keyword| word.eq_ignore_ascii_case(keyword))
}
