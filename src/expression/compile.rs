//! From the parser's tree to a checked one of our own.

use cel::common::ast::{CallExpr, Expr, IdedExpr, LiteralValue, SelectExpr, SourceInfo, operators};
use dicom_core::dictionary::VirtualVr;
use regex::RegexBuilder;

use crate::dicom::attribute::{AttributePath, Step, tag_of, vr_of};
use crate::dicom::{Tag, VR};

use super::check::{Callable, FUNCTIONS, Function, Quantifier, Signature};
use super::declarations::{Declarations, Kinds};
use super::fault::{CompileError, Fault, nearest, nearest_keyword};
use super::program::{Arithmetic, Node, Relation};
use super::value::Value;

/// A condition that a person can still read is far below this.
pub(super) const MAX_BYTES: usize = 4096;
/// Operators within operators. Bounds the recursion of compiling and evaluating.
pub(super) const MAX_DEPTH: usize = 48;
/// Bytes that a compiled pattern may take.
const MAX_PATTERN_BYTES: usize = 256 << 10;

/// Parses and checks a condition.
pub(super) fn compile(source: &str, declarations: &Declarations) -> Result<Node, CompileError> {
    if source.len() > MAX_BYTES {
        return Err(CompileError::at(source, MAX_BYTES, Fault::TooLong(source.len())));
    }
    if source.trim().is_empty() {
        return Err(CompileError::at(source, 0, Fault::Empty));
    }
    let (tree, places) = parse(source)?;
    let mut compiler = Compiler { source, places, declarations, locals: Vec::new(), depth: 0 };
    let Checked { node, kinds } = compiler.expression(&tree)?;
    if !kinds.meets(Kinds::BOOL) {
        return Err(compiler.fault(&tree, Fault::NotACondition { found: kinds }));
    }
    Ok(node)
}

fn parse(source: &str) -> Result<(IdedExpr, SourceInfo), CompileError> {
    // Without macros: `has`, `all` and the like stay calls, which are easier to check than what they expand to.
    let parser = cel::Env::default().parser().max_recursion_depth(MAX_DEPTH as u16);
    parser.parse_with_source_info(source).map_err(|errors| {
        let first = errors.errors.iter().find(|error| error.pos.0 > 0);
        let (line, column) = first.map_or((1, 1), |error| error.pos);
        let position = |number: isize| usize::try_from(number).unwrap_or(1).max(1);
        let message = first.map_or("cannot be read", |error| error.msg.as_str());
        let fault = Fault::Syntax(in_plain_words(message));
        CompileError::at_character(source, position(line), position(column), fault)
    })
}

/// The parser speaks of tokens and expected sets; a person asks what is out of place.
fn in_plain_words(message: &str) -> String {
    let message = message.strip_prefix("Syntax error: ").unwrap_or(message);
    if message.contains("'<EOF>' expecting") {
        return "the expression ends where a value should follow".to_owned();
    }
    if message.contains("recursion") {
        return Fault::TooDeep.to_string();
    }
    if let Some(text) = message.strip_prefix("token recognition error at: ") {
        let text = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')).unwrap_or(text);
        let advice = match text.trim_end() {
            "=" => "equality is written `==`",
            "&" => "and is written `&&`",
            "|" => "or is written `||`",
            text if text.starts_with(['\'', '"']) => {
                "a text ends with the quote it begins with, and a backslash in it is written twice"
            }
            _ => {
                "names are made of ASCII letters, digits and underscores, and texts stand in quotes"
            }
        };
        let text = text.trim_end();
        return format!("`{text}` cannot be read; {advice}");
    }
    let found = message.split(" expecting ").next().unwrap_or(message);
    let unexpected = ["extraneous input ", "mismatched input ", "no viable alternative at input "];
    match unexpected.iter().find_map(|start| found.strip_prefix(start)) {
        Some(token) => format!("`{}` is out of place here", token.trim_matches('\'')),
        None => found.to_owned(),
    }
}

/// A part of an expression, and what can come out of it.
struct Checked {
    node: Node,
    kinds: Kinds,
}

impl Checked {
    fn new(node: Node, kinds: Kinds) -> Self {
        Self { node, kinds }
    }
}

struct Compiler<'a> {
    source: &'a str,
    places: SourceInfo,
    declarations: &'a Declarations,
    /// The names that `all`, `exists` and the like have bound, outermost first.
    locals: Vec<(String, Kinds)>,
    depth: usize,
}

type Compiled = Result<Checked, CompileError>;

impl Compiler<'_> {
    fn expression(&mut self, tree: &IdedExpr) -> Compiled {
        if self.depth == MAX_DEPTH {
            return Err(self.fault(tree, Fault::TooDeep));
        }
        self.depth += 1;
        let checked = match &tree.expr {
            Expr::Literal(literal) => self.literal(tree, literal),
            Expr::Ident(name) => self.name(tree, name),
            Expr::Select(select) => self.member(tree, select),
            Expr::Call(call) => self.call(tree, call),
            Expr::List(list) => self.list(&list.elements),
            Expr::Map(_) | Expr::Struct(_) => {
                Err(self.unsupported(tree, "a map", "use a list in brackets"))
            }
            Expr::Comprehension(_) | Expr::Unspecified => {
                Err(self.unsupported(tree, "this", "write the condition out"))
            }
        };
        self.depth -= 1;
        checked
    }

    fn literal(&self, tree: &IdedExpr, literal: &LiteralValue) -> Compiled {
        let value = match literal {
            LiteralValue::Boolean(truth) => Value::Bool(*truth.inner()),
            LiteralValue::Int(number) => Value::Int(*number.inner()),
            LiteralValue::UInt(number) => match i64::try_from(*number.inner()) {
                Ok(number) => Value::Int(number),
                Err(_) => Value::finite(*number.inner() as f64),
            },
            LiteralValue::Double(number) => Value::finite(*number.inner()),
            LiteralValue::String(text) => Value::Text(text.inner().into()),
            LiteralValue::Bytes(_) => {
                return Err(self.unsupported(tree, "a byte string", "leave out the b"));
            }
            LiteralValue::Null => {
                let instead = "ask with `has(dcm.KEYWORD)` whether there is a value";
                return Err(self.unsupported(tree, "`null`", instead));
            }
        };
        Ok(constant(value))
    }

    fn list(&mut self, elements: &[IdedExpr]) -> Compiled {
        let mut kinds = Kinds::NONE;
        let mut nodes = Vec::with_capacity(elements.len());
        for element in elements {
            let checked = self.expression(element)?;
            kinds = kinds | checked.kinds;
            nodes.push(checked.node);
        }
        let kinds = if elements.is_empty() { Kinds::LIST } else { kinds.listed() };
        let constants: Option<Vec<Value>> = nodes
            .iter()
            .map(|node| match node {
                Node::Constant(value) => Some(value.clone()),
                _ => None,
            })
            .collect();
        Ok(Checked::new(
            constants
                .map_or(Node::List(nodes), |values| Node::Constant(Value::List(values.into()))),
            kinds,
        ))
    }

    fn name(&self, tree: &IdedExpr, name: &str) -> Compiled {
        if let Some(slot) = self.locals.iter().rposition(|(local, _)| local == name) {
            let kinds = self.locals.get(slot).map_or(Kinds::ANY, |(_, kinds)| *kinds);
            return Ok(Checked::new(Node::Local(slot), kinds));
        }
        if let Some(kinds) = self.declarations.variable(name) {
            return Ok(Checked::new(self.variable(name), kinds));
        }
        Err(self.fault(tree, self.unknown_name(name)))
    }

    fn variable(&self, name: &str) -> Node {
        match self.declarations.number(name) {
            Some(number) => Node::Numbered(number, name.into()),
            None => Node::Variable(name.into()),
        }
    }

    fn unknown_name(&self, name: &str) -> Fault {
        // An attribute without its `dcm.` is the likeliest slip.
        let as_attribute = (self.declarations.has_attributes() && tag_of(name).is_some())
            .then(|| format!("dcm.{name}"));
        let locals = self.locals.iter().map(|(local, _)| local.as_str());
        let names = self.declarations.variables().map(|(name, _)| name).chain(locals);
        let near = as_attribute.or_else(|| nearest(name, names).map(str::to_owned));
        Fault::UnknownName { name: name.to_owned(), nearest: near }
    }

    fn member(&mut self, tree: &IdedExpr, select: &SelectExpr) -> Compiled {
        if let Expr::Ident(space) = &select.operand.expr
            && !self.locals.iter().any(|(local, _)| local == space)
        {
            return match space.as_str() {
                "dcm" => {
                    let tag = self.keyword(tree, &select.field)?;
                    Ok(Checked::new(Node::Attribute(tag), kinds_of(tag)))
                }
                "param" => self.parameter(tree, &select.field),
                _ => {
                    let name = format!("{space}.{}", select.field);
                    match self.declarations.variable(&name) {
                        Some(kinds) => Ok(Checked::new(self.variable(&name), kinds)),
                        None => Err(self.fault(tree, self.unknown_name(&name))),
                    }
                }
            };
        }
        let (steps, tag) = self.path(tree)?;
        Ok(Checked::new(Node::Nested(Box::new(AttributePath { steps, tag })), kinds_of(tag)))
    }

    /// An attribute in items of sequences: `dcm.OuterSequence[0].InnerSequence[1].Keyword`.
    fn path(&mut self, tree: &IdedExpr) -> Result<(Vec<Step>, Tag), CompileError> {
        let instead = "only `dcm`, `fact`, `param` and items of sequences have members";
        let Expr::Select(select) = &tree.expr else {
            return Err(self.unsupported(tree, "a member of this", instead));
        };
        if matches!(&select.operand.expr, Expr::Ident(space) if space == "dcm") {
            return Ok((Vec::new(), self.keyword(tree, &select.field)?));
        }
        let Expr::Call(CallExpr { func_name, args, .. }) = &select.operand.expr else {
            return Err(self.unsupported(tree, "a member of this", instead));
        };
        let (true, [sequence, item]) = (func_name == operators::INDEX, args.as_slice()) else {
            return Err(self.unsupported(tree, "a member of this", instead));
        };
        let Expr::Literal(LiteralValue::Int(number)) = &item.expr else {
            let instead = "write its position as a number, counted from 0";
            return Err(self.unsupported(item, "a computed item", instead));
        };
        let Ok(number) = u32::try_from(*number.inner()) else {
            let instead = "items are counted from 0";
            return Err(self.unsupported(item, "this position", instead));
        };
        // Bounded by the depth that the parser allows.
        let (mut steps, tag) = self.path(sequence)?;
        if !matches!(vr_of(tag), Some(VirtualVr::Exact(VR::SQ))) {
            let keyword = crate::dicom::attribute::keyword_of(tag);
            return Err(self.fault(sequence, Fault::NotASequence(keyword)));
        }
        steps.push(Step { sequence: tag, item: number });
        Ok((steps, self.keyword(tree, &select.field)?))
    }

    fn keyword(&self, tree: &IdedExpr, keyword: &str) -> Result<Tag, CompileError> {
        if !self.declarations.has_attributes() {
            return Err(self.fault(tree, Fault::NoAttributes(keyword.to_owned())));
        }
        tag_of(keyword).ok_or_else(|| {
            let nearest = nearest_keyword(keyword);
            self.fault(tree, Fault::UnknownKeyword { keyword: keyword.to_owned(), nearest })
        })
    }

    fn parameter(&self, tree: &IdedExpr, name: &str) -> Compiled {
        if let Some(value) = self.declarations.parameter(name) {
            return Ok(constant(value.clone()));
        }
        let names = self.declarations.parameters().map(|(name, _)| name);
        let nearest = nearest(name, names).map(str::to_owned);
        Err(self.fault(tree, Fault::UnknownParameter { name: name.to_owned(), nearest }))
    }

    fn call(&mut self, tree: &IdedExpr, call: &CallExpr) -> Compiled {
        match (call.func_name.as_str(), call.args.as_slice()) {
            (operators::LOGICAL_AND, [left, right]) => {
                let operands = self.truths(left, right, operators::LOGICAL_AND)?;
                Ok(Checked::new(Node::And(operands), Kinds::BOOL))
            }
            (operators::LOGICAL_OR, [left, right]) => {
                let operands = self.truths(left, right, operators::LOGICAL_OR)?;
                Ok(Checked::new(Node::Or(operands), Kinds::BOOL))
            }
            (operators::LOGICAL_NOT, [operand]) => {
                let node = self.of_kind(operand, Kinds::BOOL, "`!`")?.node;
                Ok(Checked::new(Node::Not(Box::new(node)), Kinds::BOOL))
            }
            (operators::NEGATE, [operand]) => {
                let node = self.of_kind(operand, Kinds::NUMBER, "`-`")?.node;
                Ok(Checked::new(Node::Negate(Box::new(node)), Kinds::NUMBER))
            }
            (operators::CONDITIONAL, [condition, then, otherwise]) => {
                let condition = self.of_kind(condition, Kinds::BOOL, "the condition before `?`")?;
                let (then, otherwise) = (self.expression(then)?, self.expression(otherwise)?);
                let kinds = then.kinds | otherwise.kinds;
                let parts = Box::new([condition.node, then.node, otherwise.node]);
                Ok(Checked::new(Node::Conditional(parts), kinds))
            }
            (operators::IN, [value, list]) => self.membership(list, value),
            (operators::INDEX, [list, index]) => {
                let list = self.of_kind(list, Kinds::ANY, "`[…]`")?;
                let index = self.of_kind(index, Kinds::NUMBER, "the position in `[…]`")?;
                let kinds = list.kinds.elements();
                Ok(Checked::new(Node::Index(Box::new([list.node, index.node])), kinds))
            }
            (operator, [left, right]) if relation(operator).is_some() => {
                let relation = relation(operator).unwrap_or(Relation::Equal);
                self.comparison(tree, relation, left, right)
            }
            (operator, [left, right]) if arithmetic(operator).is_some() => {
                let operator = arithmetic(operator).unwrap_or(Arithmetic::Add);
                self.arithmetic(tree, operator, left, right)
            }
            _ => self.function(tree, call),
        }
    }

    /// The operands of `&&` or `||`; a chain of the same operator becomes one node.
    fn truths(
        &mut self,
        left: &IdedExpr,
        right: &IdedExpr,
        operator: &str,
    ) -> Result<Vec<Node>, CompileError> {
        let is_and = operator == operators::LOGICAL_AND;
        let mut nodes = Vec::new();
        for operand in [left, right] {
            let name = if is_and { "`&&`" } else { "`||`" };
            match self.of_kind(operand, Kinds::BOOL, name)?.node {
                Node::And(inner) if is_and => nodes.extend(inner),
                Node::Or(inner) if !is_and => nodes.extend(inner),
                node => nodes.push(node),
            }
        }
        Ok(nodes)
    }

    fn comparison(
        &mut self,
        tree: &IdedExpr,
        relation: Relation,
        left: &IdedExpr,
        right: &IdedExpr,
    ) -> Compiled {
        let ordered = !matches!(relation, Relation::Equal | Relation::NotEqual);
        let (left, right) = if ordered {
            let wants = Kinds::NUMBER | Kinds::TEXT;
            let what = "an order (`<`, `<=`, `>`, `>=`)";
            (self.of_kind(left, wants, what)?, self.of_kind(right, wants, what)?)
        } else {
            (self.usable(left)?, self.usable(right)?)
        };
        if !left.kinds.meets(right.kinds) {
            let fault = Fault::Incomparable { left: left.kinds, right: right.kinds };
            return Err(self.fault(tree, fault));
        }
        Ok(Checked::new(Node::Compare(relation, Box::new([left.node, right.node])), Kinds::BOOL))
    }

    fn membership(&mut self, list: &IdedExpr, value: &IdedExpr) -> Compiled {
        let value = self.usable(value)?;
        let checked = self.usable(list)?;
        let elements = checked.kinds.elements();
        if !value.kinds.meets(elements) {
            let fault = Fault::Incomparable { left: value.kinds, right: checked.kinds };
            return Err(self.fault(list, fault));
        }
        Ok(Checked::new(Node::In(Box::new([value.node, checked.node])), Kinds::BOOL))
    }

    fn arithmetic(
        &mut self,
        tree: &IdedExpr,
        operator: Arithmetic,
        left: &IdedExpr,
        right: &IdedExpr,
    ) -> Compiled {
        let (wants, what) = match operator {
            Arithmetic::Add => (Kinds::NUMBER | Kinds::TEXT, "`+`"),
            Arithmetic::Subtract => (Kinds::NUMBER, "`-`"),
            Arithmetic::Multiply => (Kinds::NUMBER, "`*`"),
            Arithmetic::Divide => (Kinds::NUMBER, "`/`"),
            Arithmetic::Remainder => (Kinds::NUMBER, "`%`"),
        };
        let left = self.of_kind(left, wants, what)?;
        let right = self.of_kind(right, wants, what)?;
        let common = [Kinds::NUMBER, Kinds::TEXT]
            .into_iter()
            .filter(|kind| wants.meets(*kind))
            .filter(|kind| left.kinds.meets(*kind) && right.kinds.meets(*kind));
        let kinds = common.fold(Kinds::NONE, |all, kind| all | kind);
        if kinds == Kinds::NONE {
            let fault = Fault::Incomparable { left: left.kinds, right: right.kinds };
            return Err(self.fault(tree, fault));
        }
        let operands = Box::new([left.node, right.node]);
        Ok(Checked::new(Node::Calculate(operator, operands), kinds))
    }

    fn function(&mut self, tree: &IdedExpr, call: &CallExpr) -> Compiled {
        let name = call.func_name.as_str();
        let Some(signature) = FUNCTIONS.iter().find(|signature| signature.name == name) else {
            if !name.starts_with(|first: char| first.is_ascii_alphabetic()) {
                return Err(self.unsupported(tree, "this operator", "see the list of operators"));
            }
            let names = FUNCTIONS.iter().map(|signature| signature.name);
            let nearest = nearest(name, names).map(str::to_owned);
            return Err(self.fault(tree, Fault::UnknownFunction { name: name.to_owned(), nearest }));
        };
        let written_well = if call.target.is_some() { signature.dotted } else { signature.plain };
        let operands: Vec<&IdedExpr> =
            call.target.as_deref().into_iter().chain(&call.args).collect();
        if !written_well || operands.len() != signature.operands {
            return Err(self.wrong_arity(tree, signature));
        }
        match (signature.callable, operands.as_slice()) {
            (Callable::Plain(function), operands) => self.plain(function, operands),
            (Callable::Over(quantifier), [range, name, body]) => {
                self.over(quantifier, signature, range, name, body)
            }
            (Callable::Matches, [text, pattern]) => self.matches(text, pattern),
            (Callable::Has, [operand]) => {
                let node = self.expression(operand)?.node;
                Ok(Checked::new(Node::Has(Box::new(node)), Kinds::BOOL))
            }
            (Callable::Parameter, [name]) => match &name.expr {
                Expr::Literal(LiteralValue::String(name)) => self.parameter(tree, name.inner()),
                _ => Err(self.wrong_arity(tree, signature)),
            },
            _ => Err(self.wrong_arity(tree, signature)),
        }
    }

    fn plain(&mut self, function: Function, operands: &[&IdedExpr]) -> Compiled {
        let (wants, what) = function.kinds();
        let mut kinds = Kinds::NONE;
        let mut nodes = Vec::with_capacity(operands.len());
        for operand in operands {
            // The items of a sequence can be counted, though nothing else can be done with them.
            let checked = match function {
                Function::Size | Function::Values => {
                    let checked = self.expression(operand)?;
                    self.meets(operand, checked, wants, what)?
                }
                _ => self.of_kind(operand, wants, what)?,
            };
            kinds = kinds | checked.kinds;
            nodes.push(checked.node);
        }
        Ok(Checked::new(Node::Call(function, nodes), function.result(kinds)))
    }

    fn over(
        &mut self,
        quantifier: Quantifier,
        signature: &Signature,
        range: &IdedExpr,
        name: &IdedExpr,
        body: &IdedExpr,
    ) -> Compiled {
        let Expr::Ident(name) = &name.expr else {
            return Err(self.wrong_arity(name, signature));
        };
        let range = self.usable(range)?;
        self.locals.push((name.clone(), range.kinds.elements()));
        let checked = match quantifier {
            Quantifier::Map => self.usable(body),
            Quantifier::All | Quantifier::Exists | Quantifier::ExistsOne | Quantifier::Filter => {
                self.of_kind(body, Kinds::BOOL, signature.usage)
            }
        };
        self.locals.pop();
        let checked = checked?;
        let kinds = match quantifier {
            Quantifier::All | Quantifier::Exists | Quantifier::ExistsOne => Kinds::BOOL,
            Quantifier::Filter => range.kinds.listed(),
            Quantifier::Map => checked.kinds.listed(),
        };
        Ok(Checked::new(Node::Over(quantifier, Box::new([range.node, checked.node])), kinds))
    }

    fn matches(&mut self, text: &IdedExpr, pattern: &IdedExpr) -> Compiled {
        let text = self.of_kind(text, Kinds::TEXT, "`matches`")?;
        let compiled = self.of_kind(pattern, Kinds::TEXT, "`matches`")?;
        let Node::Constant(value) = compiled.node else {
            let instead = "write it as a text or as a parameter";
            return Err(self.unsupported(pattern, "a computed pattern", instead));
        };
        let Some(regex) = value.as_text() else {
            // A parameter that is not set.
            return Ok(Checked::new(Node::Constant(Value::Unknown), Kinds::BOOL));
        };
        let regex = RegexBuilder::new(regex)
            .size_limit(MAX_PATTERN_BYTES)
            .dfa_size_limit(MAX_PATTERN_BYTES)
            .build()
            .map_err(|error| {
                let text = error.to_string();
                let last = text.lines().last().unwrap_or_default();
                let reason = last.trim_start_matches("error: ").to_owned();
                self.fault(pattern, Fault::BadPattern(reason))
            })?;
        Ok(Checked::new(Node::Matches(Box::new(text.node), Box::new(regex)), Kinds::BOOL))
    }

    /// A part of an expression that something can be computed from.
    fn usable(&mut self, tree: &IdedExpr) -> Compiled {
        self.of_kind(tree, Kinds::ANY, "this")
    }

    fn of_kind(&mut self, tree: &IdedExpr, wants: Kinds, what: &'static str) -> Compiled {
        let checked = self.expression(tree)?;
        let opaque = Kinds::OPAQUE | Kinds::OPAQUE.listed();
        if checked.kinds == opaque || checked.kinds == Kinds::OPAQUE {
            let instead = "ask with `has`, or read an attribute in its items: `dcm.X[0].Y`";
            return Err(self.unsupported(tree, "the value of a sequence or of bytes", instead));
        }
        self.meets(tree, checked, wants, what)
    }

    fn meets(
        &self,
        tree: &IdedExpr,
        checked: Checked,
        wants: Kinds,
        what: &'static str,
    ) -> Compiled {
        if checked.kinds.meets(wants) {
            return Ok(checked);
        }
        Err(self.fault(tree, Fault::WrongKind { what, wants, found: checked.kinds }))
    }

    fn wrong_arity(&self, tree: &IdedExpr, signature: &Signature) -> CompileError {
        let fault = Fault::WrongArity { function: signature.name, usage: signature.usage };
        self.fault(tree, fault)
    }

    fn unsupported(
        &self,
        tree: &IdedExpr,
        what: &'static str,
        instead: &'static str,
    ) -> CompileError {
        self.fault(tree, Fault::Unsupported { what, instead })
    }

    /// Places a fault where the part begins that it is in: the parser places an operator at its sign.
    fn fault(&self, tree: &IdedExpr, fault: Fault) -> CompileError {
        let mut tree = tree;
        loop {
            tree = match &tree.expr {
                Expr::Select(select) => &select.operand,
                Expr::Call(call) => match (&call.target, call.args.as_slice()) {
                    (Some(target), _) => target,
                    (None, [first, ..]) if call.func_name.starts_with(['_', '@']) => first,
                    _ => break,
                },
                _ => break,
            };
        }
        let offset = self.places.offset_for(tree.id).map_or(0, |(start, _)| start as usize);
        // A plain call is placed at its parenthesis.
        let offset = match &tree.expr {
            Expr::Call(call) if !call.func_name.starts_with(['_', '!', '-', '@']) => {
                offset.saturating_sub(call.func_name.len())
            }
            _ => offset,
        };
        CompileError::at(self.source, offset, fault)
    }
}

fn constant(value: Value) -> Checked {
    let kinds = Kinds::of_value(&value);
    Checked::new(Node::Constant(value), kinds)
}

/// The kinds of value that an attribute can have, by the VR that the dictionary gives it.
fn kinds_of(tag: Tag) -> Kinds {
    let vr = match vr_of(tag) {
        Some(VirtualVr::Exact(vr)) => vr,
        Some(VirtualVr::Xs | VirtualVr::Lt) => VR::US,
        Some(VirtualVr::Ox | VirtualVr::Px) => VR::OW,
        Some(_) | None => return Kinds::ANY,
    };
    let single = match vr {
        VR::DS | VR::IS | VR::US | VR::SS | VR::UL | VR::SL | VR::UV | VR::SV | VR::FL | VR::FD => {
            Kinds::NUMBER
        }
        VR::OB | VR::OD | VR::OF | VR::OL | VR::OV | VR::OW | VR::UN => return Kinds::OPAQUE,
        VR::SQ => return Kinds::OPAQUE.listed(),
        _ => Kinds::TEXT,
    };
    single | single.listed()
}

fn relation(operator: &str) -> Option<Relation> {
    Some(match operator {
        operators::EQUALS => Relation::Equal,
        operators::NOT_EQUALS => Relation::NotEqual,
        operators::LESS => Relation::Less,
        operators::LESS_EQUALS => Relation::LessOrEqual,
        operators::GREATER => Relation::Greater,
        operators::GREATER_EQUALS => Relation::GreaterOrEqual,
        _ => return None,
    })
}

fn arithmetic(operator: &str) -> Option<Arithmetic> {
    Some(match operator {
        operators::ADD => Arithmetic::Add,
        operators::SUBSTRACT => Arithmetic::Subtract,
        operators::MULTIPLY => Arithmetic::Multiply,
        operators::DIVIDE => Arithmetic::Divide,
        operators::MODULO => Arithmetic::Remainder,
        _ => return None,
    })
}
