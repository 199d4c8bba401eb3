using System.Text.Json;

namespace PyResolve.StripeSimulator.Tests.Api;

/// <summary>Stripe's description of its API, if <c>STRIPE_OPENAPI</c> names the file.</summary>
internal sealed class StripeOpenApi
{
    private readonly JsonElement _paths;

    private StripeOpenApi(JsonElement document) => _paths = document.GetProperty("paths");

    public static async Task<StripeOpenApi?> LoadAsync()
    {
        if (Environment.GetEnvironmentVariable("STRIPE_OPENAPI") is not { Length: > 0 } path)
            return null;
        await using var file = File.OpenRead(path);
        using var document = await JsonDocument.ParseAsync(file, default, TestContext.Current.CancellationToken);
        return new StripeOpenApi(document.RootElement.Clone());
    }

    /// <summary>The parameters of a call as a tree; null without a description.</summary>
    public ParameterNode? Find(string call)
    {
        var space = call.IndexOf(' ');
        var (method, path) = (call[..space].ToLowerInvariant(), call[(space + 1)..]);
        foreach (var candidate in _paths.EnumerateObject())
        {
            if (IsSame(path, candidate.Name) && candidate.Value.TryGetProperty(method, out var operation))
                return Read(operation);
        }

        return null;
    }

    private static bool IsSame(string path, string template)
    {
        var (ours, theirs) = (path.Split('/'), template.Split('/'));
        return ours.Length == theirs.Length && ours.Zip(theirs).All(static pair =>
            pair.First == pair.Second || (pair.First == "{id}" && pair.Second.StartsWith('{')));
    }

    private static ParameterNode Read(JsonElement operation)
    {
        var root = new ParameterNode(IsRequired: false);
        foreach (var parameter in operation.TryGetProperty("parameters", out var parameters) ? parameters.EnumerateArray() : [])
        {
            if (parameter.GetProperty("in").GetString() == "query")
                root.Members[parameter.GetProperty("name").GetString()!] =
                    Read(parameter.GetProperty("schema"), IsTrue(parameter, "required"));
        }

        if (operation.TryGetProperty("requestBody", out var body))
        {
            foreach (var content in body.GetProperty("content").EnumerateObject())
                ReadMembers(root, content.Value.GetProperty("schema"));
        }

        return root;
    }

    private static ParameterNode Read(JsonElement schema, bool isRequired)
    {
        var node = new ParameterNode(isRequired);
        foreach (var alternative in schema.TryGetProperty("anyOf", out var any) ? any.EnumerateArray().ToList() : [schema])
            ReadMembers(node, alternative);
        return node;
    }

    private static void ReadMembers(ParameterNode node, JsonElement schema)
    {
        node.IsMap |= schema.TryGetProperty("additionalProperties", out var others) && others.ValueKind == JsonValueKind.Object;
        if (schema.TryGetProperty("items", out var items))
            node.Members["[]"] = Read(items, isRequired: false);
        if (!schema.TryGetProperty("properties", out var properties))
            return;
        var required = schema.TryGetProperty("required", out var names)
            ? names.EnumerateArray().Select(static name => name.GetString()).ToHashSet()
            : [];
        foreach (var property in properties.EnumerateObject())
            node.Members[property.Name] = Read(property.Value, required.Contains(property.Name));
    }

    private static bool IsTrue(JsonElement element, string name) => element.TryGetProperty(name, out var value) && value.GetBoolean();
}

internal sealed record ParameterNode(bool IsRequired)
{
    public Dictionary<string, ParameterNode> Members { get; } = [];

    public bool IsMap { get; set; }
}
