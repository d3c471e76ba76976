"""SoQL text to a syntax tree: a small real parser.

Belongs here: tokens, grammar, the tree, syntax errors in Socrata's shape. Does not belong here: columns, types, SQL
(`tosql`). What the grammar does not know is refused, as the portal refuses it, never guessed at.
"""

import re
from dataclasses import dataclass
from typing import Any, Final

KEYWORDS: Final = frozenset({
    "select", "where", "group", "by", "having", "order", "limit", "offset", "and", "or", "not", "is", "null", "in",
    "between", "like", "as", "asc", "desc", "true", "false",
})  # fmt: skip
COMPARISONS: Final = ("=", "!=", "<>", "<", "<=", ">", ">=")
_TOKEN: Final = re.compile(
    r"""\s*(?:
      (?P<string>'(?:[^']|'')*')
    | (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    | (?P<quoted>`[^`]+`)
    | (?P<name>:?@?[A-Za-z_][A-Za-z0-9_@]*)
    | (?P<system>:\*)
    | (?P<op><=|>=|<>|!=|\|\||[=<>*/+\-(),%])
    )""",
    re.VERBOSE,
)


class SoqlError(Exception):
    """A query the portal refuses: `code` as Socrata names it, and what goes into the error's `data`."""

    def __init__(self, code: str, message: str, **data: Any) -> None:
        super().__init__(message)
        self.code, self.message, self.data = code, message, data


@dataclass(frozen=True)
class Literal:
    """A text, number (kept as written), boolean or null."""

    value: str | bool | None
    is_number: bool = False


@dataclass(frozen=True)
class Name:
    """A column or an alias, lower case."""

    name: str


@dataclass(frozen=True)
class Star:
    """`*` (all columns) or `:*` (all system columns)."""

    system: bool = False


@dataclass(frozen=True)
class Call:
    """A function with its arguments."""

    name: str
    args: tuple["Expr", ...]


@dataclass(frozen=True)
class Binary:
    """A comparison, arithmetic or logical operator."""

    op: str
    left: "Expr"
    right: "Expr"


@dataclass(frozen=True)
class Not:
    """Logical negation."""

    inner: "Expr"


@dataclass(frozen=True)
class IsNull:
    """`x is null` or `x is not null`."""

    inner: "Expr"
    negated: bool


@dataclass(frozen=True)
class In:
    """`x in (...)`."""

    inner: "Expr"
    options: tuple["Expr", ...]
    negated: bool


@dataclass(frozen=True)
class Between:
    """`x between low and high`."""

    inner: "Expr"
    low: "Expr"
    high: "Expr"
    negated: bool


Expr = Literal | Name | Star | Call | Binary | Not | IsNull | In | Between


@dataclass(frozen=True)
class Selected:
    """One item of the select list."""

    expr: Expr
    alias: str | None


@dataclass(frozen=True)
class Ordered:
    """One item of the order list."""

    expr: Expr
    descending: bool


@dataclass(frozen=True)
class Query:
    """A whole query; an empty select list means `*`."""

    select: tuple[Selected, ...] = ()
    where: Expr | None = None
    group: tuple[Expr, ...] = ()
    having: Expr | None = None
    order: tuple[Ordered, ...] = ()
    limit: int | None = None
    offset: int = 0


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    column: int


def _tokens(text: str) -> list[_Token]:
    out, at = [], 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            raise _syntax(text, at + len(text[at:]) - len(text[at:].lstrip()))
        kind = str(match.lastgroup)
        word = match.group(kind)
        if kind == "name" and word.lower() in KEYWORDS:
            kind, word = "keyword", word.lower()
        out.append(_Token(kind, word, match.start(str(match.lastgroup))))
        at = match.end()
    return out


def _syntax(text: str, column: int) -> SoqlError:
    shown = f"{text}\n{' ' * column}^"
    return SoqlError(
        "query.compiler.malformed",
        f'Could not parse SoQL query "{text}"; unexpected input at line 1 character {column + 1}',
        query=text,
        position={"row": 1, "column": column + 1, "line": shown},
    )


class Parser:
    """Recursive descent over one text; every method reads what it is named after and raises SoqlError otherwise."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = _tokens(text)
        self.at = 0

    def _peek(self) -> _Token:
        return self.tokens[self.at] if self.at < len(self.tokens) else _Token("end", "", len(self.text))

    def _accept(self, *texts: str) -> str | None:
        token = self._peek()
        if token.kind in ("keyword", "op", "system") and token.text in texts:
            self.at += 1
            return token.text
        return None

    def _expect(self, text: str) -> None:
        if self._accept(text) is None:
            raise self._unexpected()

    def _unexpected(self) -> SoqlError:
        return _syntax(self.text, self._peek().column)

    def end(self) -> None:
        """Nothing may be left over."""
        if self._peek().kind != "end":
            raise self._unexpected()

    def expression(self) -> Expr:
        """An expression with the usual precedence: or, and, not, comparison, sums, products."""
        left = self._conjunction()
        while self._accept("or"):
            left = Binary("or", left, self._conjunction())
        return left

    def _conjunction(self) -> Expr:
        left = self._negation()
        while self._accept("and"):
            left = Binary("and", left, self._negation())
        return left

    def _negation(self) -> Expr:
        return Not(self._negation()) if self._accept("not") else self._comparison()

    def _comparison(self) -> Expr:
        left = self._sum()
        op = self._accept(*COMPARISONS)
        if op:
            return Binary("!=" if op == "<>" else op, left, self._sum())
        if self._accept("is"):
            negated = self._accept("not") is not None
            self._expect("null")
            return IsNull(left, negated)
        negated = self._accept("not") is not None
        if self._accept("in"):
            self._expect("(")
            return In(left, self._arguments(), negated)
        if self._accept("between"):
            low = self._sum()
            self._expect("and")
            return Between(left, low, self._sum(), negated)
        if self._accept("like"):
            like = Binary("like", left, self._sum())
            return Not(like) if negated else like
        if negated:
            raise self._unexpected()
        return left

    def _sum(self) -> Expr:
        left = self._product()
        while op := self._accept("+", "-", "||"):
            left = Binary(op, left, self._product())
        return left

    def _product(self) -> Expr:
        left = self._primary()
        while op := self._accept("*", "/"):
            left = Binary(op, left, self._primary())
        return left

    def _arguments(self) -> tuple[Expr, ...]:
        args = [self.expression()]
        while self._accept(","):
            args.append(self.expression())
        self._expect(")")
        return tuple(args)

    def _primary(self) -> Expr:
        token = self._peek()
        self.at += 1
        if token.kind == "string":
            return Literal(token.text[1:-1].replace("''", "'"))
        if token.kind == "number":
            return Literal(token.text, is_number=True)
        if token.kind == "quoted":
            return Name(token.text[1:-1].lower())
        if token.kind == "name":
            if self._accept("("):
                if self._accept("*"):
                    self._expect(")")
                    return Call(token.text.lower(), (Star(),))
                return Call(token.text.lower(), self._arguments())
            return Name(token.text.lower())
        if token.text in ("true", "false"):
            return Literal(token.text == "true")
        if token.text == "null":
            return Literal(None)
        if token.text == "-":
            inner = self._primary()
            if isinstance(inner, Literal) and inner.is_number:
                return Literal(f"-{inner.value}", is_number=True)
        if token.text == "(":
            inner = self.expression()
            self._expect(")")
            return inner
        self.at -= 1
        raise self._unexpected()

    def select_list(self) -> tuple[Selected, ...]:
        """`a, b as c, count(*), :*, *`."""
        out = []
        while True:
            if self._accept(":*"):
                out.append(Selected(Star(system=True), None))
            elif self._accept("*"):
                out.append(Selected(Star(), None))
            else:
                expr = self.expression()
                out.append(Selected(expr, self._alias() if self._accept("as") else None))
            if not self._accept(","):
                return tuple(out)

    def _alias(self) -> str:
        token = self._peek()
        if token.kind not in ("name", "quoted"):
            raise self._unexpected()
        self.at += 1
        return token.text.strip("`").lower()

    def order_list(self) -> tuple[Ordered, ...]:
        """`a, b desc`."""
        out = []
        while True:
            expr = self.expression()
            out.append(Ordered(expr, self._accept("asc", "desc") == "desc"))
            if not self._accept(","):
                return tuple(out)

    def expression_list(self) -> tuple[Expr, ...]:
        """`a, b`."""
        out = [self.expression()]
        while self._accept(","):
            out.append(self.expression())
        return tuple(out)

    def _count(self) -> int:
        token = self._peek()
        if token.kind != "number" or not token.text.isdigit():
            raise self._unexpected()
        self.at += 1
        return int(token.text)

    def query(self) -> Query:
        """A whole `SELECT ... WHERE ... GROUP BY ... HAVING ... ORDER BY ... LIMIT ... OFFSET ...`, each part optional."""
        parts: dict[str, Any] = {}
        if self._accept("select"):
            parts["select"] = self.select_list()
        if self._accept("where"):
            parts["where"] = self.expression()
        if self._accept("group"):
            self._expect("by")
            parts["group"] = self.expression_list()
        if self._accept("having"):
            parts["having"] = self.expression()
        if self._accept("order"):
            self._expect("by")
            parts["order"] = self.order_list()
        if self._accept("limit"):
            parts["limit"] = self._count()
        if self._accept("offset"):
            parts["offset"] = self._count()
        self.end()
        return Query(**parts)


def parse_query(text: str) -> Query:
    """A whole query text. Raises SoqlError."""
    return Parser(text).query()


def parse_expression(text: str) -> Expr:
    """The text of a `$where` or `$having`. Raises SoqlError."""
    parser = Parser(text)
    expr = parser.expression()
    parser.end()
    return expr


def parse_select(text: str) -> tuple[Selected, ...]:
    """The text of a `$select`. Raises SoqlError."""
    parser = Parser(text)
    out = parser.select_list()
    parser.end()
    return out


def parse_order(text: str) -> tuple[Ordered, ...]:
    """The text of an `$order`. Raises SoqlError."""
    parser = Parser(text)
    out = parser.order_list()
    parser.end()
    return out


def parse_group(text: str) -> tuple[Expr, ...]:
    """The text of a `$group`. Raises SoqlError."""
    parser = Parser(text)
    out = parser.expression_list()
    parser.end()
    return out
