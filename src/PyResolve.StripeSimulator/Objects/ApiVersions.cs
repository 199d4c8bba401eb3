using System.Text.Json.Nodes;

namespace PyResolve.StripeSimulator.Objects;

/// <summary>Converts objects from the newest API version's shape to the shapes of older versions.</summary>
internal static class ApiVersions
{
    private const string PeriodsOnItems = "2025-03-31";
    private const string NewUiModes = "2026-03-25";

    /// <summary>The release that made flexible billing the default.</summary>
    public const string FlexibleByDefault = "2025-09-30";

    public static bool IsBefore(string version, string release) => string.CompareOrdinal(version, 0, release, 0, release.Length) < 0;

    public static bool IsVersion(string text) =>
        text.Length >= 10 && DateOnly.TryParseExact(text.AsSpan(0, 10), "yyyy-MM-dd", out _) && (text.Length == 10
            || (text[10] == '.' && text.Length > 11));

    /// <summary>Changes an object in place, at any depth, and returns it.</summary>
    public static JsonObject Apply(JsonObject newest, string version)
    {
        if (IsBefore(version, NewUiModes))
            Walk(newest, version);
        return newest;
    }

    private static void Walk(JsonNode? node, string version)
    {
        if (node is JsonArray array)
        {
            foreach (var element in array)
                Walk(element, version);
        }
        else if (node is JsonObject holder)
        {
            foreach (var (_, member) in holder)
                Walk(member, version);
            Downgrade(holder, version);
        }
    }

    private static void Downgrade(JsonObject holder, string version)
    {
        switch ((string?)(holder["object"] as JsonValue))
        {
            case "checkout.session":
                holder["ui_mode"] = "hosted";
                break;
            case "subscription" when IsBefore(version, PeriodsOnItems):
                MovePeriodsUp(holder);
                break;
            case "invoice" when IsBefore(version, PeriodsOnItems):
                holder["subscription"] = holder["parent"]?["subscription_details"]?["subscription"]?.DeepClone();
                holder["paid"] = (string?)holder["status"] == "paid";
                holder.Remove("parent");
                break;
            case "event" when holder["data"] is JsonObject data && data["previous_attributes"] is JsonObject previous
                && IsBefore(version, PeriodsOnItems):
                MovePreviousPeriodsUp(previous);
                break;
        }
    }

    private static void MovePeriodsUp(JsonObject subscription)
    {
        if (subscription["items"]?["data"] is not JsonArray items)
            return;
        foreach (var name in new[] { "current_period_start", "current_period_end" })
        {
            subscription[name] = items.FirstOrDefault()?[name]?.DeepClone();
            foreach (var item in items.OfType<JsonObject>())
                item.Remove(name);
        }
    }

    private static void MovePreviousPeriodsUp(JsonObject previous)
    {
        if (previous["items"]?["data"] is not JsonArray)
            return;
        MovePeriodsUp(previous);
    }
}
