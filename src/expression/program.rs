//! The compiled expression and its evaluation.

use std::cell::{Cell, RefCell};
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use regex::Regex;

use crate::base::phi::Phi;
use crate::dicom::Tag;
use crate::dicom::attribute::{AttributePath, keyword_of};

use super::check::{Function, Quantifier};
use super::compile::compile;
use super::declarations::Declarations;
use super::fault::CompileError;
use super::value::{Environment, Truth, Value};

/// Parts of an expression, or values of a list, that one evaluation looks at before it gives up and says unknown:
/// some milliseconds. A condition on a few attributes takes about ten.
const MAX_STEPS: u32 = 200_000;

/// A condition, compiled and checked. Cheap to clone.
#[derive(Clone)]
pub struct Expression(Arc<Program>);

struct Program {
    source: Box<str>,
    root: Node,
    attributes: Vec<Tag>,
    variables: Vec<Arc<str>>,
}

pub(super) enum Node {
    Constant(Value),
    Attribute(Tag),
    Nested(Box<AttributePath>),
    Variable(Arc<str>),
    /// A variable with the number it was declared with.
    Numbered(usize, Arc<str>),
    /// A name bound by an enclosing [`Node::Over`], by how many enclose that.
    Local(usize),
    Has(Box<Node>),
    Not(Box<Node>),
    Negate(Box<Node>),
    And(Vec<Node>),
    Or(Vec<Node>),
    Compare(Relation, Box<[Node; 2]>),
    Calculate(Arithmetic, Box<[Node; 2]>),
    In(Box<[Node; 2]>),
    Index(Box<[Node; 2]>),
    Conditional(Box<[Node; 3]>),
    List(Vec<Node>),
    Call(Function, Vec<Node>),
    Matches(Box<Node>, Box<Regex>),
    Over(Quantifier, Box<[Node; 2]>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// One operand that an evaluation looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// As the expression names it: `dcm.Modality`.
    pub operand: String,
    /// What it was.
    pub value: Phi<Value>,
}

/// What a condition came to, and what it looked at on the way.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// What it came to.
    pub truth: Truth,
    /// The operands it looked at, each once, in the order of their first use. What `&&` and `||` skipped is not
    /// among them.
    pub seen: Vec<Seen>,
}

impl Expression {
    /// Compiles a condition.
    ///
    /// # Errors
    /// When it does not parse, names what `declarations` do not have, or can never be evaluated to a truth; the first
    /// such mistake, with its place.
    pub fn compile(source: &str, declarations: &Declarations) -> Result<Self, CompileError> {
        let root = compile(source, declarations)?;
        let mut program =
            Program { source: source.into(), root, attributes: Vec::new(), variables: Vec::new() };
        let (mut attributes, mut variables) = (Vec::new(), Vec::new());
        program.root.operands(&mut attributes, &mut variables);
        (program.attributes, program.variables) = (attributes, variables);
        Ok(Self(Arc::new(program)))
    }

    /// Whether the condition holds. [`Truth::Unknown`] is not met.
    #[must_use]
    pub fn holds(&self, environment: &dyn Environment) -> Truth {
        let evaluation =
            Evaluation { environment, steps: Cell::new(0), locals: RefCell::default() };
        evaluation.value(&self.0.root).truth()
    }

    /// As [`Expression::holds`], with the values it saw.
    #[must_use]
    pub fn explain(&self, environment: &dyn Environment) -> Explanation {
        let witness = Witness { environment, seen: RefCell::default() };
        let truth = self.holds(&witness);
        Explanation { truth, seen: witness.seen.into_inner() }
    }

    /// What was compiled.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// The attributes it may look at, each once; of one within sequences, the outermost sequence.
    #[must_use]
    pub fn attributes(&self) -> &[Tag] {
        &self.0.attributes
    }

    /// The variables it may look at, each once, by their declared names.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.0.variables.iter().map(AsRef::as_ref)
    }
}

impl fmt::Debug for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Expression").field(&self.0.source).finish()
    }
}

impl PartialEq for Expression {
    /// Whether both were compiled from the same text.
    fn eq(&self, other: &Self) -> bool {
        self.0.source == other.0.source
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.source)
    }
}

impl Node {
    /// Notes the attributes and variables in this part.
    fn operands(&self, attributes: &mut Vec<Tag>, variables: &mut Vec<Arc<str>>) {
        let mut attribute = |tag: Tag| {
            if !attributes.contains(&tag) {
                attributes.push(tag);
            }
        };
        let parts: &[Node] = match self {
            Self::Constant(_) | Self::Local(_) => &[],
            Self::Attribute(tag) => {
                attribute(*tag);
                &[]
            }
            Self::Nested(path) => {
                attribute(path.steps.first().map_or(path.tag, |step| step.sequence));
                &[]
            }
            Self::Variable(name) | Self::Numbered(_, name) => {
                if !variables.contains(name) {
                    variables.push(Arc::clone(name));
                }
                &[]
            }
            Self::Has(part) | Self::Not(part) | Self::Negate(part) | Self::Matches(part, _) => {
                std::slice::from_ref(part)
            }
            Self::And(parts) | Self::Or(parts) | Self::List(parts) | Self::Call(_, parts) => parts,
            Self::Compare(_, parts)
            | Self::Calculate(_, parts)
            | Self::In(parts)
            | Self::Index(parts)
            | Self::Over(_, parts) => parts.as_slice(),
            Self::Conditional(parts) => parts.as_slice(),
        };
        for part in parts {
            part.operands(attributes, variables);
        }
    }
}

/// Remembers what was asked for.
struct Witness<'a> {
    environment: &'a dyn Environment,
    seen: RefCell<Vec<Seen>>,
}

impl Witness<'_> {
    fn note(&self, operand: impl FnOnce() -> String, value: Value) -> Value {
        let operand = operand();
        let mut seen = self.seen.borrow_mut();
        if !seen.iter().any(|seen| seen.operand == operand) {
            seen.push(Seen { operand, value: value.clone().into() });
        }
        value
    }
}

impl Environment for Witness<'_> {
    fn attribute(&self, tag: Tag) -> Value {
        self.note(|| format!("dcm.{}", keyword_of(tag)), self.environment.attribute(tag))
    }

    fn variable(&self, name: &str) -> Value {
        self.note(|| name.to_owned(), self.environment.variable(name))
    }

    fn numbered(&self, number: usize, name: &str) -> Value {
        self.note(|| name.to_owned(), self.environment.numbered(number, name))
    }

    fn nested(&self, path: &AttributePath) -> Value {
        self.note(|| format!("dcm.{path}"), self.environment.nested(path))
    }
}

struct Evaluation<'a> {
    environment: &'a dyn Environment,
    steps: Cell<u32>,
    locals: RefCell<Vec<Value>>,
}

impl Evaluation<'_> {
    /// Counts work; false once there has been too much of it.
    fn may_take(&self, steps: usize) -> bool {
        let taken = self.steps.get().saturating_add(u32::try_from(steps).unwrap_or(u32::MAX));
        self.steps.set(taken);
        taken <= MAX_STEPS
    }

    fn value(&self, node: &Node) -> Value {
        if !self.may_take(1) {
            return Value::Unknown;
        }
        match node {
            Node::Constant(value) => value.clone(),
            Node::Attribute(tag) => self.environment.attribute(*tag),
            Node::Nested(path) => self.environment.nested(path),
            Node::Variable(name) => self.environment.variable(name),
            Node::Numbered(number, name) => self.environment.numbered(*number, name),
            Node::Local(slot) => self.locals.borrow().get(*slot).cloned().unwrap_or(Value::Unknown),
            Node::Has(operand) => Value::Bool(self.value(operand).is_known()),
            Node::Not(operand) => (!self.value(operand).truth()).into(),
            Node::Negate(operand) => match self.value(operand) {
                Value::Int(number) => number.checked_neg().map(Value::Int).into(),
                Value::Double(number) => Value::Double(-number),
                Value::Unknown | Value::Bool(_) | Value::Text(_) | Value::List(_) => Value::Unknown,
            },
            Node::And(operands) => self.all(operands.iter().map(|node| self.value(node).truth())),
            Node::Or(operands) => self.any(operands.iter().map(|node| self.value(node).truth())),
            Node::Compare(relation, operands) => {
                let [left, right] = operands.as_ref();
                relation.of(&self.value(left), &self.value(right)).into()
            }
            Node::Calculate(operator, operands) => {
                let [left, right] = operands.as_ref();
                operator.of(self.value(left), self.value(right))
            }
            Node::In(operands) => {
                let [value, list] = operands.as_ref();
                self.membership(&self.value(value), &self.value(list)).into()
            }
            Node::Index(operands) => {
                let [list, index] = operands.as_ref();
                at(&self.value(list), &self.value(index))
            }
            Node::Conditional(parts) => {
                let [condition, then, otherwise] = parts.as_ref();
                match self.value(condition).truth() {
                    Truth::True => self.value(then),
                    Truth::False => self.value(otherwise),
                    Truth::Unknown => Value::Unknown,
                }
            }
            Node::List(elements) => {
                Value::List(elements.iter().map(|node| self.value(node)).collect())
            }
            Node::Call(function, operands) => match operands.as_slice() {
                [only] => function.of_one(self.value(only)),
                [first, second] => function.of_two(&self.value(first), &self.value(second)),
                _ => Value::Unknown,
            },
            Node::Matches(operand, pattern) => match self.value(operand) {
                Value::Text(text) => Value::Bool(pattern.is_match(&text)),
                Value::Unknown
                | Value::Bool(_)
                | Value::Int(_)
                | Value::Double(_)
                | Value::List(_) => Value::Unknown,
            },
            Node::Over(quantifier, parts) => {
                let [range, body] = parts.as_ref();
                self.over(*quantifier, &self.value(range), body)
            }
        }
    }

    /// Kleene's conjunction: false wins, then unknown.
    fn all(&self, truths: impl Iterator<Item = Truth>) -> Value {
        let mut outcome = Truth::True;
        for truth in truths {
            match truth {
                Truth::False => return Value::Bool(false),
                Truth::Unknown => outcome = Truth::Unknown,
                Truth::True => {}
            }
        }
        outcome.into()
    }

    /// Kleene's disjunction: true wins, then unknown.
    fn any(&self, truths: impl Iterator<Item = Truth>) -> Value {
        Value::from(!self.all(truths.map(|truth| !truth)).truth())
    }

    fn membership(&self, value: &Value, list: &Value) -> Truth {
        let elements = elements(list);
        if !list.is_known() || !self.may_take(elements.len()) {
            return Truth::Unknown;
        }
        self.any(elements.iter().map(|element| equal(value, element))).truth()
    }

    fn over(&self, quantifier: Quantifier, range: &Value, body: &Node) -> Value {
        if !range.is_known() {
            return Value::Unknown;
        }
        let elements = elements(range);
        let outcome = |element: &Value| {
            self.locals.borrow_mut().push(element.clone());
            let outcome = self.value(body);
            self.locals.borrow_mut().pop();
            outcome
        };
        match quantifier {
            Quantifier::All => self.all(elements.iter().map(|element| outcome(element).truth())),
            Quantifier::Exists => self.any(elements.iter().map(|element| outcome(element).truth())),
            Quantifier::ExistsOne => {
                let (mut met, mut unknown) = (0, 0);
                for element in elements {
                    match outcome(element).truth() {
                        Truth::True => met += 1,
                        Truth::Unknown => unknown += 1,
                        Truth::False => {}
                    }
                }
                match (met, unknown) {
                    (0 | 1, 1..) => Value::Unknown,
                    _ => Value::Bool(met == 1),
                }
            }
            Quantifier::Filter => {
                let mut kept = Vec::new();
                for element in elements {
                    match outcome(element).truth() {
                        Truth::True => kept.push(element.clone()),
                        Truth::False => {}
                        // Whether it belongs there cannot be told, so neither can the list.
                        Truth::Unknown => return Value::Unknown,
                    }
                }
                Value::List(kept.into())
            }
            Quantifier::Map => Value::List(elements.iter().map(outcome).collect()),
        }
    }
}

/// The values of a list; a single value is a list of one.
fn elements(value: &Value) -> &[Value] {
    match value {
        Value::List(values) => values,
        Value::Unknown | Value::Bool(_) | Value::Int(_) | Value::Double(_) | Value::Text(_) => {
            std::slice::from_ref(value)
        }
    }
}

fn at(list: &Value, index: &Value) -> Value {
    let position = match index {
        Value::Int(number) => usize::try_from(*number).ok(),
        Value::Unknown | Value::Bool(_) | Value::Double(_) | Value::Text(_) | Value::List(_) => {
            None
        }
    };
    position.and_then(|position| elements(list).get(position).cloned()).unwrap_or(Value::Unknown)
}

/// Whether two values are the same; unknown where one is, or where they are of different kinds.
fn equal(left: &Value, right: &Value) -> Truth {
    match (left, right) {
        (Value::Bool(left), Value::Bool(right)) => (left == right).into(),
        (Value::Text(left), Value::Text(right)) => (left == right).into(),
        (Value::List(left), Value::List(right)) => {
            if left.len() != right.len() {
                return Truth::False;
            }
            let pairs = left.iter().zip(right.iter());
            let mut outcome = Truth::True;
            // Bounded by the length of an attribute; lists of lists are only written by hand.
            for (left, right) in pairs {
                match equal(left, right) {
                    Truth::False => return Truth::False,
                    Truth::Unknown => outcome = Truth::Unknown,
                    Truth::True => {}
                }
            }
            outcome
        }
        _ => compare(left, right).map_or(Truth::Unknown, |ordering| ordering.is_eq().into()),
    }
}

/// How two numbers or two texts stand to each other.
fn compare(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => Some(left.cmp(right)),
        (Value::Double(left), Value::Double(right)) => left.partial_cmp(right),
        (Value::Int(left), Value::Double(right)) => int_to_double(*left, *right),
        (Value::Double(left), Value::Int(right)) => {
            int_to_double(*right, *left).map(Ordering::reverse)
        }
        (Value::Text(left), Value::Text(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

/// Compares without the rounding of `left as f64`.
fn int_to_double(left: i64, right: f64) -> Option<Ordering> {
    /// The first number above every i64.
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    if right >= BEYOND {
        return Some(Ordering::Less);
    }
    if right < -BEYOND {
        return Some(Ordering::Greater);
    }
    let whole = right.trunc();
    Some(left.cmp(&(whole as i64)).then(whole.partial_cmp(&right)?))
}

impl Relation {
    fn of(self, left: &Value, right: &Value) -> Truth {
        let ordered = |met: fn(Ordering) -> bool| {
            compare(left, right).map_or(Truth::Unknown, |ordering| met(ordering).into())
        };
        match self {
            Self::Equal => equal(left, right),
            Self::NotEqual => !equal(left, right),
            Self::Less => ordered(Ordering::is_lt),
            Self::LessOrEqual => ordered(Ordering::is_le),
            Self::Greater => ordered(Ordering::is_gt),
            Self::GreaterOrEqual => ordered(Ordering::is_ge),
        }
    }
}

impl Arithmetic {
    fn of(self, left: Value, right: Value) -> Value {
        match (left, right) {
            (Value::Int(left), Value::Int(right)) => match self {
                Self::Add => left.checked_add(right),
                Self::Subtract => left.checked_sub(right),
                Self::Multiply => left.checked_mul(right),
                Self::Divide => left.checked_div(right),
                Self::Remainder => left.checked_rem(right),
            }
            .into(),
            (Value::Int(left), Value::Double(right)) => self.of_doubles(left as f64, right),
            (Value::Double(left), Value::Int(right)) => self.of_doubles(left, right as f64),
            (Value::Double(left), Value::Double(right)) => self.of_doubles(left, right),
            (Value::Text(left), Value::Text(right)) if self == Self::Add => {
                Value::Text([left, right].concat().into())
            }
            _ => Value::Unknown,
        }
    }

    fn of_doubles(self, left: f64, right: f64) -> Value {
        Value::finite(match self {
            Self::Add => left + right,
            Self::Subtract => left - right,
            Self::Multiply => left * right,
            Self::Divide => left / right,
            Self::Remainder => left % right,
        })
    }
}

impl Function {
    fn of_one(self, operand: Value) -> Value {
        match (self, operand) {
            (_, Value::Unknown) => Value::Unknown,
            (Self::Values, list @ Value::List(_)) => list,
            (Self::Values, single) => Value::List([single].into()),
            (Self::Size, Value::Text(text)) => Value::Int(text.chars().count() as i64),
            (Self::Size, Value::List(values)) => Value::Int(values.len() as i64),
            (Self::UpperAscii, Value::Text(text)) => text.to_ascii_uppercase().into(),
            (Self::LowerAscii, Value::Text(text)) => text.to_ascii_lowercase().into(),
            (Self::Abs, Value::Int(number)) => number.checked_abs().map(Value::Int).into(),
            (Self::Abs, Value::Double(number)) => Value::Double(number.abs()),
            (Self::Log10, Value::Int(number)) => Value::finite((number as f64).log10()),
            (Self::Log10, Value::Double(number)) => Value::finite(number.log10()),
            _ => Value::Unknown,
        }
    }

    fn of_two(self, first: &Value, second: &Value) -> Value {
        let (Some(text), Some(part)) = (first.as_text(), second.as_text()) else {
            return Value::Unknown;
        };
        match self {
            Self::StartsWith => Value::Bool(text.starts_with(part)),
            Self::EndsWith => Value::Bool(text.ends_with(part)),
            Self::Contains => Value::Bool(text.contains(part)),
            Self::Size
            | Self::Values
            | Self::UpperAscii
            | Self::LowerAscii
            | Self::Abs
            | Self::Log10 => Value::Unknown,
        }
    }
}
