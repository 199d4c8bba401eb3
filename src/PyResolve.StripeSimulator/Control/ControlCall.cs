using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using PyResolve.StripeSimulator.Api;

namespace PyResolve.StripeSimulator.Control;

internal sealed class ControlException(string message) : Exception(message);

/// <summary>A command's body: JSON, or the form fields of the simulator's home page.</summary>
internal sealed class ControlCall
{
    private readonly JsonObject _body;
    private readonly HashSet<string> _read = new(StringComparer.Ordinal) { "silent" };

    private ControlCall(Simulation simulation, string id, JsonObject body, bool isFromPage)
    {
        Simulation = simulation;
        Id = id;
        _body = body;
        IsFromPage = isFromPage;
    }

    public Simulation Simulation { get; }

    public string Id { get; }

    public bool IsFromPage { get; }

    public bool IsSilent => Boolean("silent") ?? false;

    public static async Task<ControlCall> ReadAsync(HttpContext http)
    {
        var simulation = http.RequestServices.GetRequiredService<Simulation>();
        var id = (string?)http.Request.RouteValues["id"] ?? "";
        using var reader = new StreamReader(http.Request.Body);
        var text = (await reader.ReadToEndAsync(http.RequestAborted)).Trim();
        // curl sends JSON as a form by default.
        var isFromPage = http.Request.HasFormContentType && !text.StartsWith('{');
        return new ControlCall(simulation, id, text.Length == 0 ? [] : isFromPage ? FromForm(text) : FromJson(text), isFromPage);
    }

    public string? Text(string name) => Member(name)?.ToString();

    public string RequireText(string name) =>
        Text(name) is { Length: > 0 } text ? text : throw new ControlException($"'{name}' is required.");

    public double? Number(string name) => Text(name) is not { Length: > 0 } text
        ? null
        : double.TryParse(text, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number)
            ? number
            : throw new ControlException($"'{name}' must be a number.");

    public int Integer(string name, int defaultValue) => Number(name) is not { } number
        ? defaultValue
        : number is >= int.MinValue and <= int.MaxValue && double.IsInteger(number)
            ? (int)number
            : throw new ControlException($"'{name}' must be a whole number.");

    public bool? Boolean(string name) => Text(name) switch
    {
        null or "" => null,
        "true" => true,
        "false" => false,
        _ => throw new ControlException($"'{name}' must be true or false."),
    };

    public DateTimeOffset? Instant(string name) => Text(name) is not { } text
        ? null
        : DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var instant)
            ? instant
            : throw new ControlException($"'{name}' must be an instant such as 2026-11-15T12:00:00Z.");

    public IReadOnlyList<string>? Texts(string name) => Member(name) switch
    {
        null => null,
        JsonArray array => [.. array.Select(static element => element?.ToString() ?? "")],
        var single => [single.ToString()],
    };

    public string? Raw(string name) => Member(name)?.ToJsonString();

    public void RejectUnknownFields()
    {
        if (_body.FirstOrDefault(member => !_read.Contains(member.Key)).Key is { } unknown)
            throw new ControlException($"This command has no field '{unknown}'.");
    }

    private static JsonObject FromForm(string text) =>
        new(Form.Parse(text).Members.Select(static field => KeyValuePair.Create(field.Key, (JsonNode?)field.Value.Value)));

    private static JsonObject FromJson(string text)
    {
        try
        {
            return JsonNode.Parse(text) as JsonObject ?? throw new ControlException("The body must be a JSON object.");
        }
        catch (JsonException malformed)
        {
            throw new ControlException($"The body is not JSON: {malformed.Message}");
        }
    }

    private JsonNode? Member(string name)
    {
        _read.Add(name);
        return _body[name];
    }
}
