//! Functions, methods, comprehensions and lambdas.

use super::{Parsed, Parser, is_keyword};
use crate::condition::ast::{Expr, Function, Method, Root};
use crate::condition::lexer::Token;

impl Parser<'_> {
    pub(super) fn call(&mut self, word: &str) -> Parsed<Expr> {
        let at = self.next;
        let quantifier = ["any", "all"]
            .iter()
            .position(|name| word.eq_ignore_ascii_case(name));
        if let Some(position) = quantifier {
            self.next += 2;
            return self.nested(|parser| parser.comprehension(position == 1));
        }
        if is_keyword(word) {
            return Err(self.expected("a value"));
        }
        let Some((_, function, fewest, most)) = Function::ALL.iter().find(|entry| entry.0 == word)
        else {
            let known: Vec<_> = Function::ALL
                .iter()
                .map(|entry| format!("`{}`", entry.0))
                .collect();
            let known = known.join(", ");
            return Err(self.error(format!(
                "unknown function `{word}`: expected {known}, `any` or `all`"
            )));
        };
        self.next += 2;
        let arguments = self.nested(|parser| parser.list(")"))?;
        if !(*fewest..=*most).contains(&arguments.len()) {
            self.next = at;
            let message = format!(
                "`{word}` takes {most} argument(s), found {}",
                arguments.len()
            );
            return Err(self.error(message));
        }
        self.node(Expr::Call(*function, arguments))
    }

    fn comprehension(&mut self, every: bool) -> Parsed<Expr> {
        let body = self.expression(0)?;
        if !self.is_word(0, "for") {
            return Err(self.expected("`for`"));
        }
        self.next += 1;
        let variable = self.variable()?;
        if !self.is_word(0, "in") {
            return Err(self.expected("`in`"));
        }
        self.next += 1;
        let list = self.expression(0)?;
        self.mark(")")?;
        let (body, list) = (Box::new(body), Box::new(list));
        self.node(Expr::Quantified {
            every,
            body,
            variable,
            list,
        })
    }

    fn variable(&mut self) -> Parsed<String> {
        match self.peek().clone() {
            Token::Word(word)
                if !is_keyword(&word) && Root::ALL.iter().all(|(name, _)| *name != word) =>
            {
                self.next += 1;
                Ok(word)
            }
            _ => Err(self.expected("the name of a variable")),
        }
    }

    pub(super) fn member(&mut self, of: Expr) -> Parsed<Expr> {
        let Token::Word(name) = self.peek().clone() else {
            return Err(self.expected("a field or a method"));
        };
        let is_call = *self.token(1) == Token::Mark("(");
        if !is_call {
            self.next += 1;
            return self.node(if name == "length" {
                Expr::Method(Box::new(of), Method::Length, Vec::new())
            } else {
                Expr::Field(Box::new(of), name)
            });
        }
        if let "some" | "every" = name.as_str() {
            self.next += 2;
            return self.nested(|parser| parser.lambda(of, name == "every"));
        }
        let Some((_, method, count)) = Method::ALL.iter().find(|entry| entry.0 == name) else {
            let known: Vec<_> = Method::ALL
                .iter()
                .map(|entry| format!("`.{}`", entry.0))
                .collect();
            let known = known.join(", ");
            return Err(self.error(format!(
                "unknown method `.{name}`: expected {known}, `.some` or `.every`"
            )));
        };
        let at = self.next;
        self.next += 2;
        let arguments = self.nested(|parser| parser.list(")"))?;
        if arguments.len() != *count {
            self.next = at;
            let message = format!(
                "`.{name}` takes {count} argument(s), found {}",
                arguments.len()
            );
            return Err(self.error(message));
        }
        self.node(Expr::Method(Box::new(of), *method, arguments))
    }

    fn lambda(&mut self, list: Expr, every: bool) -> Parsed<Expr> {
        let wrapped = self.eat_mark("(");
        let variable = self.variable()?;
        if wrapped {
            self.mark(")")?;
        }
        self.mark("=>")?;
        let body = self.expression(0)?;
        self.mark(")")?;
        let (body, list) = (Box::new(body), Box::new(list));
        self.node(Expr::Quantified {
            every,
            body,
            variable,
            list,
        })
    }
}
