"""The vocabulary of `privacy_type`: the class of each word, and the column names that hint at it.

The list is open: a type that a person makes up is kept as declared, and an identifying number
that the scanner meets is called after its column (`chart_no` gives `chart_number`).
"""

from __future__ import annotations

DIRECT = "direct_identifier"
QUASI = "quasi_identifier"
SENSITIVE = "sensitive"
NON_SENSITIVE = "non_sensitive"

CLASS_OF = {
    **dict.fromkeys(
        (
            "ssn", "national_id", "credit_card", "iban", "email", "phone", "person_name",
            "street_address", "ip_address", "mac_address", "username", "person_id",
            "household_id", "free_text",
        ),
        DIRECT,
    ),
    **dict.fromkeys(
        (
            "age", "birth_year", "category", "country", "date", "date_of_birth", "employer_id",
            "employer_name", "event_date", "latitude", "longitude", "marital_status", "nationality",
            "number", "occupation", "place", "postcode", "pseudonym", "race", "sex", "timestamp",
            "url",
        ),
        QUASI,
    ),
    **dict.fromkeys(
        (
            "amount", "conviction", "diagnosis", "disability", "measurement", "medication",
            "political_opinion", "religion", "secret", "sexual_orientation", "union_membership",
        ),
        SENSITIVE,
    ),
    **dict.fromkeys(("year", "flag"), NON_SENSITIVE),
}  # fmt: skip

HINTS = {
    "ssn": "ssn|social security|social security number|soc sec",
    "national_id": "national id|national identity|id card|passport|passport no|tax id|tin|nin|nino"
    "|steuer id|steueridentifikationsnummer|idnr|nir|numero securite sociale|dni|nie|nif"
    "|codice fiscale|nhs|nhs number|nhs no|bsn|pesel|personnummer|cpf|aadhaar|aadhar|cpr"
    "|fodselsnummer|hetu|rrn|curp|sin|itin|cnp|egn|ahv|driver license|drivers license"
    "|driving licence|license plate|vin",
    "credit_card": "credit card|card number|card no|cc number|pan|kreditkarte|carte bancaire",
    "iban": "iban|bank account|account iban|kontonummer",
    "email": "email|e mail|mail|email address|e mail address|mail address|correo|courriel",
    "phone": "phone|telephone|tel|mobile|cell|fax|phone number|mobile number|telefon|telefono"
    "|telefoon|msisdn",
    "person_name": "first name|last name|full name|given name|family name|middle name|maiden name"
    "|birth name|surname|forename|fname|lname|patient name|customer name|client name"
    "|contact name|person name|employee name|holder name|user full name|student name"
    "|vorname|nachname|familienname|geburtsname|prenom|nom|nombre|apellido|apellidos|nome"
    "|cognome|sobrenome|voornaam|achternaam|imie|nazwisko|fornamn|efternamn",
    "street_address": "street address|street|address|address line|home address|postal address"
    "|mailing address|strasse|straße|adresse|anschrift|direccion|indirizzo|endereco|rue"
    "|addr|address 1|address line 1|house number",
    "ip_address": "ip|ip address|ip addr|client ip|remote addr|ipv4|ipv6",
    "mac_address": "mac|mac address|mac addr",
    "username": "username|user name|login|login name|screen name|handle|nickname|nick|user handle",
    "date_of_birth": "date of birth|dob|birth date|birthdate|birthday|born|born on|birth day"
    "|geburtsdatum|date naissance|date de naissance|fecha nacimiento|fecha de nacimiento"
    "|data nascita|data di nascita|data nascimento|geboortedatum|data urodzenia|fodelsedatum",
    "birth_year": "birth year|year of birth|geburtsjahr|annee naissance|yob",
    "postcode": "postcode|postal code|post code|zip|zip code|zip 5|plz|postleitzahl|code postal"
    "|codigo postal|cep|eircode|pincode",
    "latitude": "latitude|lat",
    "longitude": "longitude|lon|lng",
    "url": "url|homepage|website|web site|profile url",
    "age": "age|age years|alter|edad|leeftijd",
    "sex": "sex|gender|geschlecht|sexe|sexo|sesso|geslacht",
    "race": "race|ethnicity|ethnic group|ethnic|race ethnicity",
    "religion": "religion|faith|church|denomination|konfession",
    "political_opinion": "political|political party|party affiliation",
    "union_membership": "trade union|union member|union membership",
    "sexual_orientation": "sexual orientation",
    "disability": "disability|disabled|handicap",
    "conviction": "conviction|criminal|offence|offense",
    "diagnosis": "diagnosis|diagnoses|diagnose|icd|icd 10|icd10|disease|condition|dx",
    "medication": "medication|medicine|drug|prescription|treatment|procedure",
    "measurement": "result|measurement|lab value|lab result|blood pressure|bmi|weight|height"
    "|test result|reading",
    "amount": "amount|wage|wages|salary|income|earnings|pay|cost|cost usd|price|balance|debt"
    "|credit limit|credit score|charge|charges|payment|gehalt|revenue|net worth",
    "secret": "password|passwd|pin|secret|token|api key|password hash",
    "marital_status": "marital status|marital|civil status",
    "nationality": "nationality|citizenship|country of birth|birth country|place of birth"
    "|birthplace|language|mother tongue",
    "occupation": "occupation|job|job title|profession|beruf",
    "employer_name": "employer|employer name|company|company name",
    "country": "country",
    "place": "city|town|county|state|region|province|district|ort|ville|ciudad|municipality",
    "timestamp": "timestamp|datetime|created at|updated at",
    "date": "date|day",
    "year": "year|jahr",
    "free_text": "note|notes|comment|comments|remark|remarks|free text|description text|message"
    "|bemerkung|memo",
}
"""Column names by type, each a phrase of words; a name hints at the type of its longest phrase."""

PERSON = frozenset(
    "person people patient customer client user member employee student subscriber simulant"
    " citizen resident participant donor passenger guest beneficiary insured claimant worker"
    " staff applicant contact subject mrn".split()
)
"""Words before `_id` that make it a register number of a person."""
THING = frozenset(
    "product item sku country department category type status ward store region batch currency"
    " language version model class group level code page plan offer campaign channel".split()
)
"""Words before `_id` that make it a number of something else."""
ORGANISATION = frozenset(
    "employer company organisation organization vendor supplier merchant shop school branch firm"
    " hospital clinic provider".split()
)
NUMBER_WORDS = frozenset("id no nr num number key uuid guid ref".split())
"""Last words of a column that numbers something."""
