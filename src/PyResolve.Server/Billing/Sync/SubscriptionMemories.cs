using System.Text.Json;
using System.Text.Json.Serialization;
using PyResolve.Server.Plans;

namespace PyResolve.Server.Billing.Sync;

/// <summary>What was seen of a subscription that Stripe does not tell again.</summary>
/// <param name="Plan">What it gave when it last gave one by a price that was known.</param>
/// <param name="IsEntitled">Whether it was in force.</param>
/// <param name="PastDueSince">When it was first seen past due, since it was last paid for.</param>
/// <param name="VoidFrom">The end of the period in which its invoices were first seen to be voided, since they last were not.</param>
internal sealed record SubscriptionMemory(
    string? Plan = null, bool IsEntitled = false, DateTimeOffset? PastDueSince = null, DateTimeOffset? VoidFrom = null)
{
    public static readonly SubscriptionMemory None = new();
}

/// <summary>Memories by subscription id, as the text in a customer's row: the same memories are the same text.</summary>
internal static class SubscriptionMemories
{
    public static IReadOnlyDictionary<string, SubscriptionMemory> Read(string text) => text.Length == 0
        ? new SortedDictionary<string, SubscriptionMemory>(StringComparer.Ordinal)
        : JsonSerializer.Deserialize(text, SubscriptionMemoryJson.Default.SortedDictionaryStringSubscriptionMemory)!;

    public static string Write(IEnumerable<KeyValuePair<string, SubscriptionMemory>> memories)
    {
        var sorted = new SortedDictionary<string, SubscriptionMemory>(StringComparer.Ordinal);
        foreach (var (id, memory) in memories)
        {
            if (memory != SubscriptionMemory.None)
                sorted[id] = memory;
        }

        return sorted.Count == 0 ? "" : JsonSerializer.Serialize(sorted, SubscriptionMemoryJson.Default.SortedDictionaryStringSubscriptionMemory);
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault)]
[JsonSerializable(typeof(SortedDictionary<string, SubscriptionMemory>))]
internal sealed partial class SubscriptionMemoryJson : JsonSerializerContext;
