"""results.json of a real study against docs/results.schema.json, which says what docs/results.md says.

The keywords that the schema uses are checked by the small validator below; where Python's jsonschema is installed, it
has to agree.
"""
import copy
import json
import re
import unittest

from common import SOURCE, CliTest

SCHEMA = json.loads((SOURCE / "docs" / "results.schema.json").read_text(encoding="utf-8"))
KEYWORDS = {"$schema", "$id", "$defs", "$ref", "title", "description", "type", "required", "properties",
            "additionalProperties", "items", "minItems", "maxItems", "minimum", "maximum", "pattern", "enum", "const",
            "anyOf"}
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}


def has_type(value, name):
    if name in ("number", "integer"):
        whole = name == "integer"
        return not isinstance(value, bool) and (isinstance(value, int) or (not whole and isinstance(value, float)))
    return isinstance(value, TYPES[name])


def errors(value, schema, where="$"):
    """The sentences of what is wrong with a value."""
    unknown = set(schema) - KEYWORDS
    if unknown:
        raise ValueError(f"the validator does not know {unknown}")
    found = []
    if "$ref" in schema:
        found += errors(value, SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")], where)
    if "type" in schema and not has_type(value, schema["type"]):
        return [*found, f"{where} is no {schema['type']}"]
    if "const" in schema and value != schema["const"]:
        found.append(f"{where} is not {schema['const']}")
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{where} is none of {schema['enum']}")
    if "anyOf" in schema and all(errors(value, one, where) for one in schema["anyOf"]):
        found.append(f"{where} fits nothing of anyOf")
    if has_type(value, "number"):
        if value < schema.get("minimum", value) or value > schema.get("maximum", value):
            found.append(f"{where} is out of its range: {value}")
    if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        found.append(f"{where} does not fit {schema['pattern']}")
    if isinstance(value, list):
        if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
            found.append(f"{where} has {len(value)} items")
        for i, item in enumerate(value if "items" in schema else []):
            found += errors(item, schema["items"], f"{where}[{i}]")
    if isinstance(value, dict):
        found += [f"{where}.{key} is missing" for key in schema.get("required", []) if key not in value]
        for key, item in value.items():
            inner = schema.get("properties", {}).get(key, schema.get("additionalProperties"))
            if inner is not None:
                found += errors(item, inner, f"{where}.{key}")
    return found


def resolve(schema):
    """The schemas that a value may have to fit, with references and alternatives followed."""
    if "$ref" in schema:
        return resolve(SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")])
    if "anyOf" in schema:
        return [inner for one in schema["anyOf"] for inner in resolve(one)]
    return [schema]


def members(value, schema):
    """(object, key) of every member of a record that the schema requires, the record of one item an array."""
    for one in resolve(schema):
        if isinstance(value, dict):
            for key in one.get("required", []):
                if key in value:
                    yield value, key
            for key, item in value.items():
                inner = one.get("properties", {}).get(key, one.get("additionalProperties"))
                if inner is not None:
                    yield from members(item, inner)
        elif isinstance(value, list) and value and "items" in one:
            yield from members(value[0], one["items"])


def shortened(value):
    """One or two objects of each array: what is wrong in the others would be the same."""
    if isinstance(value, list):
        return [shortened(item) for item in (value[:2] if value and isinstance(value[0], dict) else value)]
    return {key: shortened(item) for key, item in value.items()} if isinstance(value, dict) else value


class Schema(CliTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.record = None

    def study(self):
        """The record of a small study: a trained model with its float weights, the embedded one, a validation set,
        random rounding, and a set that lacks a label."""
        if Schema.record is None:
            data = SOURCE / "data" / "ulasan.tsv"
            two = self.data("two.tsv", [("bagus sekali", "positive"), ("jelek", "negative"), ("kecewa", "negative")] * 2)
            self.ok("study", "--model", f"mini={SOURCE / 'models' / 'mini-id-smsa'}", "--model", "embedded",
                    "--data", f"ulasan={data}", "--data", f"two={two}", "--valid", data, "--limit", 24, "--null", 2,
                    "--variants", "fp32,int8", "--bootstrap", 100, "-o", self.dir / "out", "--quiet")
            Schema.record = json.loads((self.dir / "out" / "results.json").read_text(encoding="utf-8"))
            plan = json.loads((self.dir / "out" / "plan.json").read_text(encoding="utf-8"))
            self.assertEqual(errors(plan, SCHEMA["$defs"]["plan"]), [])
        return copy.deepcopy(Schema.record)

    def test_a_real_record_fits(self):
        record = self.study()
        self.assertEqual(errors(record, SCHEMA), [])
        for name in ("flips", "null", "results", "warnings"):
            self.assertTrue(record[name], name)
        self.assertTrue(any(r["against_fp32"] and r["temperature"] and r["bootstrap"] for r in record["results"]))

    def test_a_library_agrees(self):
        try:
            import jsonschema
            validator = jsonschema.Draft202012Validator
        except (ImportError, AttributeError):
            self.skipTest("Python's jsonschema, 4.0 or later, is not installed")
        validator.check_schema(SCHEMA)
        self.assertEqual([e.message for e in validator(SCHEMA).iter_errors(self.study())], [])

    def test_every_deleted_or_wrong_member_is_found(self):
        record = shortened(self.study())
        self.assertEqual(errors(record, SCHEMA), [])
        tried = 0
        for parent, key in list(members(record, SCHEMA)):
            kept = parent.pop(key)
            self.assertTrue(errors(record, SCHEMA), f"{key} may be missing")
            for odd in ([[]], -7.5):
                if not any(fits(odd, s, key) for s in declared(parent, key, record)):
                    parent[key] = odd
                    self.assertTrue(errors(record, SCHEMA), f"{key} may be {odd}")
            parent[key] = kept
            tried += 1
        self.assertGreater(tried, 250)
        self.assertEqual(errors(record, SCHEMA), [])

    def test_ranges_and_names(self):
        for path, odd in ((("results", 0, "accuracy"), 1.01), (("results", 0, "accuracy_interval"), [0.1]),
                          (("results", 0, "n"), 2.5), (("models", 0, "labels_from"), "luck"),
                          (("plan", "sha256"), "beef"), (("plan", "content", "primary"), "f1"),
                          (("measured", "latency", 0, "quantiles"), [1.0] * 20), (("timbang", "schema"), 2),
                          (("results", 0, "per_class", "positive", "f1"), -0.1), (("time", "resumed"), -1)):
            record = self.study()
            place = record
            for step in path[:-1]:
                place = place[step]
            self.assertIn(path[-1], place)
            place[path[-1]] = odd
            self.assertEqual(len(errors(record, SCHEMA)), 1, path)

    def test_members_may_be_added(self):
        record = self.study()
        record["later"] = record["results"][0]["later"] = {"x": 1}
        self.assertEqual(errors(record, SCHEMA), [])


def declared(parent, key, record):
    """The schemas of one member, found by the object that holds it."""
    def walk(value, schema):
        for one in resolve(schema):
            if value is parent and key in one.get("properties", {}):
                yield from resolve(one["properties"][key])
            if isinstance(value, dict):
                for name, item in value.items():
                    inner = one.get("properties", {}).get(name, one.get("additionalProperties"))
                    if inner is not None:
                        yield from walk(item, inner)
            elif isinstance(value, list) and "items" in one:
                for item in value:
                    yield from walk(item, one["items"])
    return list(walk(record, SCHEMA))


def fits(value, schema, key):
    return not errors(value, schema, key)


class SchemaAndDocument(unittest.TestCase):
    """What docs/results.md names in its tables stands in the schema, and is required there."""
    SECTIONS = {"results.json": None, "plan": "plan", "data": "data", "models": "models", "variants": "variants",
                "results": "results", "flips": "flips", "null": "null", "groups": "groups", "measured": "latency"}
    OPTIONAL = {"results.json": {"roadmap"}, "models": {"training"}}  # where there is a roadmap

    def test_every_documented_member(self):
        text = (SOURCE / "docs" / "results.md").read_text(encoding="utf-8")
        for title, name in self.SECTIONS.items():
            section = re.search(rf"^##+ {re.escape(title)}$(.*?)(?=^##)", text, re.M | re.S).group(1)
            where = SCHEMA if name is None else SCHEMA["$defs"][name]
            known = set(where["required"]) | self.OPTIONAL.get(title, set())
            self.assertLessEqual(known, set(where["properties"]))
            if title == "results":
                known |= set(SCHEMA["$defs"]["against_fp32"]["required"])
            rows = re.findall(r"^\| (`[^|]*?) \|", section, re.M)
            self.assertTrue(rows, title)
            for row in rows:
                for member in re.findall(r"`(\w+)`", row):
                    self.assertIn(member, known, f"{title}: {member}")

    def test_required_members_are_described(self):
        def walk(schema, where):
            self.assertLessEqual(set(schema.get("required", [])), set(schema.get("properties", {})), where)
            for key, value in schema.items():
                for inner in value if isinstance(value, list) else [value]:
                    if isinstance(inner, dict):
                        walk(inner, f"{where}.{key}")
        walk(SCHEMA, "$")

    def test_the_names_of_warnings(self):
        text = (SOURCE / "docs" / "results.md").read_text(encoding="utf-8")
        section = re.search(r"^### kinds of warnings$(.*?)(?=^##)", text, re.M | re.S).group(1)
        kinds = set(SCHEMA["$defs"]["warnings"]["properties"]["kind"]["enum"])
        self.assertLessEqual(set(re.findall(r"`(\w+)`", section)), kinds)

    def test_the_fixture_of_the_report_fits(self):
        record = json.loads((SOURCE / "tests" / "report" / "results.json").read_text(encoding="utf-8"))
        self.assertEqual(errors(record, SCHEMA), [])


class TheValidatorBites(unittest.TestCase):
    def test_keywords(self):
        for schema, good, bad in (({"type": "integer", "minimum": 0}, 3, 3.0), ({"type": "number"}, 1, True),
                                  ({"type": "string", "pattern": "^a$"}, "a", "b"), ({"const": 1}, 1, 2),
                                  ({"enum": ["x"]}, "x", "y"), ({"type": "number", "maximum": 1}, 1, 1.5),
                                  ({"items": {"type": "string"}}, ["x"], [1]), ({"maxItems": 1}, [1], [1, 2]),
                                  ({"required": ["a"]}, {"a": 1}, {}), ({"minItems": 1}, [1], []),
                                  ({"additionalProperties": {"type": "string"}}, {"a": "x"}, {"a": 1}),
                                  ({"anyOf": [{"type": "null"}, {"type": "string"}]}, None, 1)):
            self.assertEqual(errors(good, schema), [], schema)
            self.assertEqual(len(errors(bad, schema)), 1, schema)
        with self.assertRaises(ValueError):
            errors(1, {"multipleOf": 2})


if __name__ == "__main__":
    unittest.main()
