"""Texts with planted personal data, and texts that only look like it.

Belongs here: made-up people and templates of the two sets that the detectors were written with. Does not belong here: the set
that was held out (`personal_held_out`), measuring (`personal`).

`TUNING` was looked at from the beginning. `SECOND` was written apart and measured once (names: Vietnamese 33 %, Korean 55 %,
Armenian 70 %, Spanish 88 %; phones 83 %, e-mail 90 %, addresses 78 %); what it showed was then mended, so it is no longer held
out.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Case:
    """One text; `kind` and `value` are empty when nothing personal is in it. `group` is what the case is about."""

    group: str
    text: str
    kind: str = ""
    value: str = ""


@dataclass(frozen=True)
class Parts:
    """What one set is made of. `{}` in a template is where the value goes."""

    people: dict[str, list[str]]
    name_forms: list[Callable[[str], str]]
    name_texts: list[str]
    phones: list[str]
    phone_texts: list[str]
    mails: list[str]
    mail_texts: list[str]
    streets: list[str]
    units: list[str]
    address_texts: list[str]
    nothing: dict[str, list[str]]


def _last_first(name: str) -> str:
    first, _, last = name.rpartition(" ")
    return f"{last}, {first}"


def _initial(name: str) -> str:
    first, _, last = name.partition(" ")
    return f"{first} R. {last}"


TUNING = Parts(
    people={
        "English": [
            "Janet Whitfield",
            "Marcus Ellison",
            "Deborah Kramer",
            "Tyler Brandt",
            "Keisha Robinson",
            "Gregory Stone",
        ],
        "Spanish": [
            "Maria Guadalupe Ortiz",
            "José Luis Herrera",
            "Araceli Mendoza",
            "Hector Villalobos",
            "Rosa Elena Fuentes",
        ],
        "Vietnamese": ["Nguyen Van Minh", "Tran Thi Hoa", "Thuy Pham", "Lê Quang Huy", "Linh Vo"],
        "Armenian": ["Anahit Grigoryan", "Vahe Sarkissian", "Tigran Harutyunyan", "Lilit Avetisyan"],
        "Korean": ["Ji-hoon Kim", "Park Soo-jin", "Eun Hye Choi", "Sung Min Lee"],
    },
    name_forms=[str, str, str.upper, _last_first, _initial],
    name_texts=[
        "{}",
        "my name is {}",
        "Please contact {} about this.",
        "spoke with {} on site",
        "{} has not been reached",
    ],
    phones=[
        "(213) 555-{}",
        "213-555-{}",
        "213.555.{}",
        "213 555 {}",
        "+1 213 555 {}",
        "+1 (213) 555-{}",
        "1-213-555-{}",
        "cell 213555{}",
    ],
    phone_texts=["{}", "call {}", "please phone {} after five", "no one answers at {}, leave a message"],
    mails=[
        "{}@mail.example.org",
        "{}+pantry@example.org",
        "{} at example dot org",
        "{}[at]example.org",
        "{} (at) example (dot) org",
    ],
    mail_texts=["{}", "write to {}.", "reach us under {}, thanks", "<{}>"],
    streets=[
        "W Temple St",
        "North Figueroa Street",
        "S. Vermont Ave",
        "La Cienega Blvd",
        "E 3rd St",
        "Crenshaw Boulevard",
        "Los Feliz Blvd",
    ],
    units=["", ", Apt 4", " #12", " Unit B", ", Los Angeles 90012"],
    address_texts=["{}", "I live at {}", "dumped couch in front of {}", "the owner of {} does it"],
    nothing={
        "organisations": [
            "Mercy Baptist Church",
            "Johnson Family Pharmacy",
            "Garcia Middle School",
            "St. Anne Center",
            "Rosa Parks Elementary",
        ],
        "streets and places": [
            "Washington Blvd",
            "corner of Martin Luther King and Normandie",
            "San Fernando Valley",
            "Sherman Oaks",
            "Will Rogers Park",
        ],
        "numbers": [
            "1-4839201745",
            "90012-1234",
            "SR 20394857",
            "34.052234, -118.243683",
            "$1,250,300.75",
            "2020-04-25 13:02:11",
        ],
        "sentences": [
            "Graffiti on the wall, please remove",
            "Open Monday and Friday 9 to 5",
            "Bulky items left on the curb",
            "3 blocks from the street",
        ],
    },
)

SECOND = Parts(
    people={
        "English": [
            "Walter Pemberton",
            "Shanice Holloway",
            "Colin Abernathy",
            "Brenda Kowalski",
            "Dwayne Tolliver",
            "Meredith Sloan",
            "Trevor McAllister",
            "Latoya Simmons",
        ],
        "Spanish": [
            "Yolanda Quintanilla",
            "Ramiro Escobedo",
            "Juan Pablo Arce",
            "Nohemí Zaragoza",
            "Everardo Cisneros",
            "Lucía Barragán",
            "Teresa de la Torre",
            "Ismael Ocampo",
        ],
        "Vietnamese": ["Dang Ngoc Bich", "Vy Huynh", "Bui Duc Thang", "Khanh Ly Dinh", "Phan Thị Diễm", "Hau Truong"],
        "Armenian": [
            "Gurgen Manukyan",
            "Hripsime Galstyan",
            "Nazeli Ter-Petrosyan",
            "Levon Boyajian",
            "Arshak Mkrtchyan",
            "Sirvard Khachikian",
        ],
        "Korean": ["Seung-woo Hwang", "Kang Mi-rae", "Hyejin Noh", "Jong Wook Bae", "Yuna Cha", "Oh Dae-su"],
    },
    name_forms=[str, str, str, str.upper, _last_first, _initial],
    name_texts=[
        "Left by {} this morning",
        "{}",
        "according to {} the gate is locked",
        "Ms {} complained twice",
        "reported by: {}",
        "habla {}, la dueña",
        "{} wants a call back",
        "My neighbour {} parks there",
    ],
    phones=[
        "(818)555-{}",
        "818/555-{}",
        "818 - 555 - {}",
        "001 818 555 {}",
        "+1818555{}X",
        "818.555-{}",
        "tel:+1-818-555-{}",
        "818–555–{}",
        "(818) 555 {} ext 12",
        "8 1 8 5 5 5 {}",
        "text me 818555{}",
        "área 818, 555 {}",
    ],
    phone_texts=[
        "Ph: {}",
        "{} (evenings)",
        "mi número es {} gracias",
        "voicemail of {} is full",
        "{}",
        "questions? {}",
    ],
    mails=[
        "{}@post.example.org",
        "{}_la@sub.domain.example.org",
        "{}@EXAMPLE.ORG",
        "{} AT example DOT org",
        "{}(at)example(dot)org",
        "{} @ example.org",
        "{} arroba example punto org",
        "{}<at>example.org",
        "{}-at-example-dot-org",
    ],
    mail_texts=["E-mail: {}", "{};", "mándeme un correo a {} por favor", "cc {} on replies", "{}"],
    streets=[
        "Hollis Crest Dr",
        "S Hoover St",
        "West 54th Street",
        "Avenida de la Luz",
        "Paseo Miramar",
        "Old Quarry Rd",
        "N Bonnie Brae St",
        "Terra Bella Street",
        "Laurel Cyn Blvd",
        "Via Marisol",
        "Mulholland Hwy",
        "E Cesar E Chavez Ave",
    ],
    units=["", ", Unit 203", " Apt. C", ", #5", " Ste 110", ", Van Nuys CA 91401"],
    address_texts=[
        "{}",
        "mattress outside {}, pick up please",
        "my mother at {} has no heat",
        "vivo en {}",
        "Deliver to {} only",
        "tree fell on {}",
    ],
    nothing={
        "organisations": [
            "Hope Lutheran Fellowship",
            "Abraham Lincoln High School",
            "Delgado Tire Shop LLC",
            "Helen Keller Library",
            "Kaiser Permanente",
            "Trader Joe's",
            "Rita's Taqueria",
            "Iglesia Bautista El Redentor",
            "Smith & Sons Plumbing",
            "Our Lady of Lourdes",
            "Ralph M. Parsons Foundation",
        ],
        "streets and places": [
            "Wilshire and La Brea",
            "Lincoln Heights",
            "MacArthur Park",
            "Van Nuys Boulevard at Victory",
            "Jefferson Blvd near Western",
            "Cesar Chavez Avenue",
            "Council District 9",
            "Harbor Gateway North",
            "Griffith Observatory",
            "Marina del Rey",
            "Baldwin Hills",
        ],
        "numbers": [
            "case 1-9087654321",
            "APN 5038-012-021",
            "-118.4412765",
            "34°03'08\"N 118°14'37\"W",
            "ISBN 978-0-306-40615-7",
            "9:30-11:45, 13:15-17:00",
            "12/24/2025 08:15:30",
            "USD 2,130,555,014",
            "90210-0187",
            "ticket #8185550143",
            "v10.4.12",
            "lat 34.0928112 lon -118.3286614",
            "3,213,555 items",
        ],
        "sentences": [
            "Pothole in the left lane for 2 weeks",
            "Please send 24 more bins to the yard",
            "Street light out since Sunday",
            "Dogs bark all night long",
            "Cerrado los lunes, abierto martes a viernes",
            "Free Food Every Saturday",
            "Bring ID and a bag, first come first served",
            "10 cars parked on the wrong side of the street",
            "May be closed in August",
            "Christian Faith Outreach each Sunday",
            "Mark the curb red and fix the drain",
        ],
    },
)


def cases(parts: Parts, seed: int, count: int) -> Iterator[Case]:
    """So many cases of each kind, and as many of each group of nothing."""
    dice = random.Random(seed)
    for group, people in parts.people.items():
        for _ in range(count // len(parts.people)):
            value = dice.choice(parts.name_forms)(dice.choice(people))
            yield Case(f"names, {group}", dice.choice(parts.name_texts).replace("{}", value), "name", value)
    for _ in range(count):
        end = f"01{dice.randint(0, 99):02}"
        form = dice.choice(parts.phones)
        value = (
            form.replace("5{}X", "50" + end[1:])
            if form.endswith("X")
            else form.replace("{}", " ".join(end) if "8 1 8" in form else end)
        )
        yield Case("phones", dice.choice(parts.phone_texts).replace("{}", value), "phone", value)
    for _ in range(count):
        local = dice.choice(("r.okafor", "lena88", "the_desk", "m-sato", "ruiz.familia", "hello"))
        value = dice.choice(parts.mails).replace("{}", local)
        yield Case("e-mail", dice.choice(parts.mail_texts).replace("{}", value), "email", value)
    for _ in range(count):
        value = f"{dice.randint(10, 19999)} {dice.choice(parts.streets)}{dice.choice(parts.units)}"
        yield Case("addresses", dice.choice(parts.address_texts).replace("{}", value), "address", value)
    for group, texts in parts.nothing.items():
        for _ in range(count):
            yield Case(f"nothing, {group}", dice.choice(texts))
