using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Unicode;
using PyResolve.Client.Wire;
using PyResolve.Server.Http;
using PyResolve.Server.Statistics;

namespace PyResolve.Server.Site;

/// <summary>
/// A page of events. <c>KeyNames</c>: those of the keys that the list and its form name; <c>Keys</c>: those that the form offers.
/// </summary>
internal sealed record EventTable(
    EventQuery Query,
    FoundEvents Found,
    IReadOnlyList<ApiKeyInfo> Keys,
    IReadOnlyDictionary<Guid, string> KeyNames,
    bool IsFirstPage,
    ProblemResult? Problem)
{
    public static readonly string[] Fields = ["month", "library", "type", "from", "to"];

    /// <summary>The chosen key, where the list of the form is too short for it.</summary>
    public string? OtherKey => Query.Key is { } key && Keys.All(one => $"{one.Id}" != key) ? key : null;

    public string NameOf(Guid? key) => UsageText.KeyName(key, KeyNames);

    public string NameOf(string key) => Guid.TryParseExact(key, "D", out var id) ? NameOf(id) : key;
}

internal sealed record EventDetails(EventReceipt Receipt, string KeyName)
{
    private static readonly JsonWriterOptions Indented = new() { Indented = true, Encoder = JavaScriptEncoder.Create(UnicodeRanges.All) };

    public RecordedUsageEvent Event => Receipt.Event;

    /// <summary>The metadata as text; null: the event has none.</summary>
    public string? Metadata
    {
        get
        {
            if (!Event.Metadata.EnumerateObject().Any())
                return null;
            using var text = new MemoryStream();
            using (var writer = new Utf8JsonWriter(text, Indented))
                Event.Metadata.WriteTo(writer);
            return Encoding.UTF8.GetString(text.GetBuffer().AsSpan(0, (int)text.Length));
        }
    }
}
