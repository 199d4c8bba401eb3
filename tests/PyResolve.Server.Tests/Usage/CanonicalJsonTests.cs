using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using PyResolve.Server.Ledger;
using PyResolve.Server.Usage;

namespace PyResolve.Server.Tests.Usage;

public sealed class CanonicalJsonTests
{
    private static readonly Gen<JsonNode?> Leaf = Gen.OneOf(
        Gen.Constant((JsonNode?)null),
        ArbMap.Default.GeneratorFor<bool>().Select(JsonNode? (value) => JsonValue.Create(value)),
        Gen.Choose(-2, 2).Select(JsonNode? (value) => JsonValue.Create(value)),
        Gen.Elements("", "a", "A", "é", "\"", "\\", "\n", "\u2028", "<&>", "\U0001F600", "a,b", "1")
            .Select(JsonNode? (value) => JsonValue.Create(value)));

    [Fact]
    public void Order_white_space_and_escapes_do_not_change_a_digest() =>
        Prop.ForAll(Value(3).ToArbitrary(), Gen.Choose(0, int.MaxValue).ToArbitrary(), (value, seed) =>
            DigestOf(Spell(value, new Random(seed))).SequenceEqual(DigestOf(value?.ToJsonString() ?? "null")))
        .Check(Config.QuickThrowOnFailure.WithQuietOnSuccess(true).WithMaxTest(500));

    [Fact]
    public void Two_values_have_one_digest_exactly_when_they_are_equal() =>
        // Small values, so that some are equal.
        Prop.ForAll(Value(1).ToArbitrary(), Value(1).ToArbitrary(), (left, right) =>
            DigestOf(Spell(left, new Random(1))).SequenceEqual(DigestOf(Spell(right, new Random(2)))) == JsonNode.DeepEquals(left, right))
        .Check(Config.QuickThrowOnFailure.WithQuietOnSuccess(true).WithMaxTest(2_000));

    [Theory]
    [InlineData("""{"a":1,"b":2}""", """{"a":2,"b":1}""")]
    [InlineData("""["a","b"]""", """["b","a"]""")]
    [InlineData("""["a,b"]""", """["a","b"]""")]
    [InlineData("""{"a":{"b":1}}""", """{"a":"{\"b\":1}"}""")]
    [InlineData("""{"a":null}""", "{}")]
    [InlineData("1", "\"1\"")]
    [InlineData("0", "false")]
    public void Different_values_have_different_digests(string left, string right) => DigestOf(left).ShouldNotBe(DigestOf(right));

    private static Gen<JsonNode?> Value(int depth) => depth == 0 ? Leaf : Gen.OneOf(
        Leaf,
        Gen.ArrayOf(Value(depth - 1), 2).Select(JsonNode? (items) => new JsonArray([.. items.Select(item => item?.DeepClone())])),
        from names in Gen.SubListOf("a", "b", "é", "\"x\"", "")
        from values in Gen.ArrayOf(Value(depth - 1), names.Count)
        select (JsonNode?)new JsonObject(names.Zip(values, (name, value) => KeyValuePair.Create(name, value?.DeepClone()))));

    private static byte[] DigestOf(string json)
    {
        using var document = JsonDocument.Parse(json);
        return CanonicalJson.Digest(writer =>
        {
            writer.WritePropertyName("value");
            CanonicalJson.Write(writer, document.RootElement);
        });
    }

    /// <summary>One of the many ways to write a value.</summary>
    private static string Spell(JsonNode? value, Random random)
    {
        var space = new string(' ', random.Next(2)) + (random.Next(3) == 0 ? "\r\n\t" : "");
        return value switch
        {
            JsonObject members => $"{{{space}{string.Join(',', members.OrderBy(_ => random.Next()).Select(SpellMember))}}}",
            JsonArray items => $"[{space}{string.Join($"{space},", items.Select(item => Spell(item, random)))}]",
            JsonValue text when text.GetValueKind() is JsonValueKind.String => SpellText(text.GetValue<string>(), random),
            null => "null",
            _ => value.ToJsonString(),
        };

        string SpellMember(KeyValuePair<string, JsonNode?> member) =>
            $"{SpellText(member.Key, random)}{space}:{Spell(member.Value, random)}{space}";
    }

    private static string SpellText(string text, Random random)
    {
        var spelled = new StringBuilder("\"");
        foreach (var character in text)
        {
            var isPlain = character is >= ' ' and not ('"' or '\\') && !char.IsSurrogate(character);
            if (isPlain && random.Next(2) == 0)
                spelled.Append(character);
            else
                spelled.Append(
                    CultureInfo.InvariantCulture,
                    $"\\u{(random.Next(2) == 0 ? ((int)character).ToString("x4") : ((int)character).ToString("X4"))}");
        }

        return spelled.Append('"').ToString();
    }
}
