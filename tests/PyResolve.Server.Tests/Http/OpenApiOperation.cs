using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace PyResolve.Server.Tests.Http;

/// <summary>An operation of the OpenAPI document, with bodies that its schema allows and forbids.</summary>
internal sealed record OpenApiOperation(string Method, string Path, JsonElement Operation, JsonElement Document)
{
    private static readonly JsonNode[] OfEveryType =
        [JsonValue.Create("1200"), JsonValue.Create(1.5), JsonValue.Create(true), new JsonObject(), new JsonArray()];

    public string Name => $"{Method} {Path}";

    public JsonElement? Schema => Operation.TryGetProperty("requestBody", out var body)
        ? Resolve(body.GetProperty("content").GetProperty("application/json").GetProperty("schema"))
        : null;

    public IReadOnlyList<int> Statuses =>
    [
        .. Operation.GetProperty("responses").EnumerateObject()
            .Select(response => int.Parse(response.Name, CultureInfo.InvariantCulture)),
    ];

    public IReadOnlyList<string> Security => Operation.TryGetProperty("security", out var alternatives)
        ? [.. alternatives.EnumerateArray().SelectMany(alternative => alternative.EnumerateObject()).Select(scheme => scheme.Name)]
        : [];

    public IReadOnlyList<(string Name, JsonElement Schema)> Queries => Operation.TryGetProperty("parameters", out var parameters)
        ? [.. from parameter in parameters.EnumerateArray()
              where parameter.GetProperty("in").GetString() == "query"
              select (parameter.GetProperty("name").GetString()!, Resolve(parameter.GetProperty("schema")))]
        : [];

    public static IReadOnlyList<OpenApiOperation> All(JsonElement document) =>
    [
        .. from path in document.GetProperty("paths").EnumerateObject()
           from operation in path.Value.EnumerateObject()
           select new OpenApiOperation(operation.Name.ToUpperInvariant(), path.Name, operation.Value, document),
    ];

    /// <summary>The required members alone, then each other member at each end of what it allows.</summary>
    public IEnumerable<(string What, JsonObject Body)> Allowed()
    {
        yield return ("only what is required", Required());
        foreach (var (name, schema) in Members())
        {
            foreach (var value in AllowedValues(schema))
                yield return ($"{name} = {Shorten(value)}", With(name, value));
        }
    }

    public IEnumerable<(string Member, string What, JsonObject Body)> Forbidden()
    {
        foreach (var name in RequiredNames())
        {
            var body = Required();
            body.Remove(name);
            yield return (name, $"{name} is missing", body);
        }

        foreach (var (name, schema) in Members())
        {
            foreach (var value in ForbiddenValues(schema))
                yield return (name, $"{name} = {Shorten(value)}", With(name, value));
        }
    }

    private IEnumerable<(string Name, JsonElement Schema)> Members() => Schema!.Value.GetProperty("properties").EnumerateObject()
        .Select(member => (member.Name, Resolve(member.Value)));

    /// <summary>Where one member may stand in the place of another, the first.</summary>
    private List<string> RequiredNames() =>
        [.. NamesIn(Schema!.Value), .. Schema.Value.TryGetProperty("anyOf", out var either) ? NamesIn(either[0]) : []];

    private static IEnumerable<string> NamesIn(JsonElement schema) => schema.TryGetProperty("required", out var names)
        ? names.EnumerateArray().Select(name => name.GetString()!)
        : [];

    private JsonObject Required()
    {
        var body = new JsonObject();
        foreach (var (name, schema) in Members().Where(member => RequiredNames().Contains(member.Name)))
            body[name] = ExampleOf(schema);
        return body;
    }

    private JsonObject With(string name, JsonNode? value)
    {
        var body = Required();
        body[name] = value?.DeepClone();
        return body;
    }

    private JsonNode? ExampleOf(JsonElement schema)
    {
        if (schema.TryGetProperty("examples", out var examples))
            return JsonNode.Parse(examples[0].GetRawText());
        if (schema.TryGetProperty("enum", out var values))
            return JsonNode.Parse(values[0].GetRawText());
        if (TypesOf(schema).Contains("array"))
        {
            var item = Resolve(schema.GetProperty("items"));
            return new JsonArray(
                TypesOf(item).Contains("object") ? (this with { Operation = AsOperation(item) }).Required() : ExampleOf(item));
        }

        throw new InvalidOperationException($"{Name} requires a member without an example: {schema}");
    }

    private static JsonElement AsOperation(JsonElement schema) => JsonSerializer.SerializeToElement(
        new { requestBody = new { content = new Dictionary<string, object> { ["application/json"] = new { schema } } } });

    private IEnumerable<JsonNode?> AllowedValues(JsonElement schema)
    {
        if (TypesOf(schema).Contains("null"))
            yield return null;
        if (Number(schema, "minimum") is { } minimum)
        {
            yield return JsonValue.Create(minimum);
            yield return JsonNode.Parse($"{minimum}.0");
        }

        if (Number(schema, "maximum") is { } maximum)
            yield return JsonValue.Create(maximum);
        if (schema.TryGetProperty("enum", out var values))
        {
            foreach (var value in values.EnumerateArray())
                yield return JsonNode.Parse(value.GetRawText());
        }
        else if (Number(schema, "maxLength") is { } longest && !schema.TryGetProperty("examples", out _))
        {
            yield return JsonValue.Create(new string('é', (int)longest));
        }
    }

    private IEnumerable<JsonNode?> ForbiddenValues(JsonElement schema)
    {
        var types = TypesOf(schema);
        foreach (var value in OfEveryType)
        {
            var type = value.GetValueKind() switch
            {
                JsonValueKind.String => "string",
                JsonValueKind.Number => "number",
                JsonValueKind.True => "boolean",
                JsonValueKind.Object => "object",
                _ => "array",
            };
            if (!types.Contains(type))
                yield return value.DeepClone();
        }

        if (!types.Contains("null"))
            yield return null;
        if (Number(schema, "minimum") is { } minimum)
            yield return JsonValue.Create(minimum - 1);
        if (Number(schema, "maximum") is { } maximum)
            yield return JsonValue.Create(maximum + 1);
        if (Number(schema, "maxLength") is { } longest)
            yield return JsonValue.Create(new string('x', (int)longest + 1));
        if (Number(schema, "minLength") is { } shortest)
            yield return JsonValue.Create(new string('x', (int)shortest - 1));
        if (schema.TryGetProperty("enum", out _))
            yield return JsonValue.Create("something else");
        if (schema.TryGetProperty("pattern", out _))
            yield return JsonValue.Create("a b\u0001");
        if (schema.TryGetProperty("format", out var format) && format.GetString() is "uuid" or "date-time")
            yield return JsonValue.Create("42");
        if (Number(schema, "minItems") is 1)
            yield return new JsonArray();
        if (Number(schema, "maxItems") is { } most)
        {
            var item = ((JsonArray)ExampleOf(schema)!)[0];
            yield return new JsonArray([.. Enumerable.Range(0, (int)most + 1).Select(_ => item?.DeepClone())]);
        }

        if (types.Contains("array") && Resolve(schema.GetProperty("items")).TryGetProperty("enum", out _))
            yield return new JsonArray("something else");
    }

    private static HashSet<string> TypesOf(JsonElement schema)
    {
        if (schema.TryGetProperty("oneOf", out var alternatives))
            return [.. alternatives.EnumerateArray().SelectMany(TypesOf)];
        if (!schema.TryGetProperty("type", out var type))
            return ["object"];
        return type.ValueKind is JsonValueKind.String ? [type.GetString()!] : [.. type.EnumerateArray().Select(name => name.GetString()!)];
    }

    private JsonElement Resolve(JsonElement schema) => schema.TryGetProperty("$ref", out var reference)
        ? Document.GetProperty("components").GetProperty("schemas").GetProperty(reference.GetString()!.Split('/')[^1])
        : schema;

    private static long? Number(JsonElement schema, string name) =>
        schema.TryGetProperty(name, out var number) ? number.GetInt64() : null;

    private static string Shorten(JsonNode? value) => value?.ToJsonString() is { } json ? json[..Math.Min(json.Length, 40)] : "null";
}
