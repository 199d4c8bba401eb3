using System.Text.Json;
using System.Text.Json.Serialization;
using PyResolve.Server.Plans;

namespace PyResolve.Server.Billing.Sync;

/// <summary>The facts that are remembered of a subscription, because Stripe shows only its present state.</summary>
/// <param name="Plan">The last plan that it granted by a known price.</param>
/// <param name="IsEntitled">Whether it granted a plan.</param>
/// <param name="PastDueSince">When it was first seen past due since the last payment.</param>
/// <param name="VoidFrom">The end of the period in which voiding of its invoices began, while it lasts.</param>
/// <param name="NeverPaid">It is past due, and its first invoice is the one that was not paid.</param>
/// <param name="PaidPlan">The plan before a change whose invoice has not been paid.</param>
/// <param name="UnknownSince">When its price was first seen to have no plan, while that lasts.</param>
/// <param name="Quantity">The last quantity that it granted; null: one.</param>
/// <param name="PaidQuantity">The quantity before a change whose invoice has not been paid; null: one.</param>
/// <param name="Bills">The plans whose overage it bills, separated by spaces; null: none.</param>
/// <param name="HasExtras">It has several prices, and Stripe's portal cannot change it to another plan.</param>
internal sealed record SubscriptionMemory(
    string? Plan = null, bool IsEntitled = false, DateTimeOffset? PastDueSince = null, DateTimeOffset? VoidFrom = null,
    bool NeverPaid = false, string? PaidPlan = null, DateTimeOffset? UnknownSince = null, long? Quantity = null, long? PaidQuantity = null,
    string? Bills = null, bool HasExtras = false)
{
    public static readonly SubscriptionMemory None = new();

    public bool BillsOverageOf(string plan) => Bills?.Split(' ').Contains(plan, StringComparer.Ordinal) == true;
}

/// <summary>Writes and reads memories by subscription id, as text in a customer's row. Equal memories have equal text.</summary>
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

        return sorted.Count == 0
            ? ""
            : JsonSerializer.Serialize(sorted, SubscriptionMemoryJson.Default.SortedDictionaryStringSubscriptionMemory);
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault)]
[JsonSerializable(typeof(SortedDictionary<string, SubscriptionMemory>))]
internal sealed partial class SubscriptionMemoryJson : JsonSerializerContext;
