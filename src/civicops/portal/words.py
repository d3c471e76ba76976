"""What the public forms say, in every language they speak.

Belongs here: words of pages that people without an account use. Does not belong here: descriptions of columns (contracts), pages
for members.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from civicops.observe.messages import Message

LANGUAGES: Mapping[str, str] = {"en": "English", "es": "Español"}

_WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "suggest": "Suggest something new",
        "correct": "Is something wrong?",
        "intro": "Tell us what you know. You need no account. A person looks at it before anything changes.",
        "fields": "What is right",
        "fields_hint": "Change only what is wrong; leave the rest as it is.",
        "text": "In your own words",
        "text_hint": "What is wrong, and how do you know?",
        "contact": "How we may reach you (you need not say)",
        "contact_hint": "Only those who check your message see it. It is never published, and we erase it when you ask us to.",
        "name": "Name",
        "email": "E-mail",
        "phone": "Telephone",
        "send": "Send",
        "not_taken": "This could not be taken.",
        "try_again": "Wait a few seconds and send it again.",
        "thanks": "Thank you! It has arrived.",
        "keep": "Keep this address: with it you can see what became of it.",
        "status": "What became of your message",
        "status_received": "It has arrived and waits for a person.",
        "status_in_review": "A person is looking at it.",
        "status_accepted": "It is accepted, and published with the next update.",
        "status_published": "It is published.",
        "status_declined": "It was looked at, and nothing was changed.",
        "status_withdrawn": "The question is gone; nothing was changed.",
        "sent_on": "Sent on",
        "changed_on": "Last change",
        "confirm": "Is this still right?",
        "confirm_intro": "This is what we tell people about you. Confirm it, or correct what is wrong. The link works once.",
        "all_right": "All of this is right",
        "corrected": "Send my corrections",
        "confirmed": "Thank you! A person looks at it, and then it is published.",
        "needed": "needed",
    },
    "es": {
        "suggest": "Sugiera algo nuevo",
        "correct": "¿Hay algo incorrecto?",
        "intro": "Cuéntenos lo que sabe. No necesita una cuenta. Una persona lo revisa antes de que algo cambie.",
        "fields": "Lo correcto",
        "fields_hint": "Cambie solo lo que está mal; deje lo demás como está.",
        "text": "Con sus propias palabras",
        "text_hint": "¿Qué está mal y cómo lo sabe?",
        "contact": "Cómo podemos comunicarnos con usted (no es obligatorio)",
        "contact_hint": "Solo lo ven quienes revisan su mensaje. Nunca se publica, y lo borramos si nos lo pide.",
        "name": "Nombre",
        "email": "Correo electrónico",
        "phone": "Teléfono",
        "send": "Enviar",
        "not_taken": "No se pudo recibir.",
        "try_again": "Espere unos segundos y envíelo de nuevo.",
        "thanks": "¡Gracias! Su mensaje ha llegado.",
        "keep": "Guarde esta dirección: con ella puede ver qué pasó con su mensaje.",
        "status": "Qué pasó con su mensaje",
        "status_received": "Ha llegado y espera a que una persona lo revise.",
        "status_in_review": "Una persona lo está revisando.",
        "status_accepted": "Se aceptó y se publica con la próxima actualización.",
        "status_published": "Está publicado.",
        "status_declined": "Se revisó y no se cambió nada.",
        "status_withdrawn": "La pregunta ya no existe; no se cambió nada.",
        "sent_on": "Enviado el",
        "changed_on": "Último cambio",
        "confirm": "¿Sigue siendo correcto?",
        "confirm_intro": "Esto es lo que decimos sobre ustedes. Confírmelo o corríjalo. El enlace sirve una vez.",
        "all_right": "Todo esto es correcto",
        "corrected": "Enviar mis correcciones",
        "confirmed": "¡Gracias! Una persona lo revisa y después se publica.",
        "needed": "obligatorio",
    },
}


def words_of(language: str) -> Mapping[str, str]:
    """Every word by its key, in a language of `LANGUAGES`."""
    return _WORDS[language]


def letter_of(organisation: str, about: str, link: str, expires: datetime) -> Message:
    """The letter that asks an organisation to confirm its own record, in English and Spanish."""
    body = f"""{about}

{organisation} tells people about you. Please look whether it is still right; it takes two minutes and needs no account:

{link}

The link works once, until {expires:%Y-%m-%d}. If you did not expect this letter, you can ignore it.

---

{organisation} informa a la gente sobre ustedes. Por favor revisen si sigue siendo correcto; toma dos minutos, sin cuenta:

{link}

El enlace sirve una vez, hasta el {expires:%Y-%m-%d}. Si no esperaban este correo, pueden ignorarlo.
"""
    return Message(f"Is this still right? / ¿Sigue siendo correcto? ({organisation})", body)
