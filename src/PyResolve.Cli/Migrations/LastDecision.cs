using System.Text.Json;
using System.Text.Json.Serialization;
using PyResolve.Cli.Output;
using PyResolve.Client;

namespace PyResolve.Cli.Migrations;

/// <summary>
/// What the last upgrade with a key was allowed to do, kept in a file for <c>status --explain</c>. A grant is explained by the server's
/// receipt of the reservation; a denial leaves no trace on the server, so its reason is in the file.
/// </summary>
internal sealed record LastDecision(
    DateTimeOffset At, string Server, string KeyPrefix, string Library, string Tier, bool IsGranted, bool IsOffline, Guid? Reservation,
    string? Code, string? Cause, string? Hint)
{
    /// <summary>Replaces the last one. Never fails: that an upgrade cannot be explained later must not stop it.</summary>
    public static void Save(PyResolveClient client, MigrationRequest request, QuotaPermit permit) => Save(
        client,
        (key, now) => new LastDecision(
            now, ServerOf(client), key, request.Library ?? "", QuotaText.NameOf(request.Tier), permit.IsGranted, permit.IsOffline,
            permit.ReservationId, permit.Denial?.Code, permit.Denial?.Cause, permit.Denial?.Hint));

    /// <summary>Of an upgrade on the server, which does not tell its reservation.</summary>
    /// <param name="denial"><see langword="null"/> when it was granted.</param>
    public static void SaveRemote(PyResolveClient client, UpgradeRequest request, PyResolveException? denial) => Save(
        client,
        (key, now) => new LastDecision(
            now, ServerOf(client), key, PackageName.Normalize(request.Library), QuotaText.NameOf(request.Tier), IsGranted: denial is null,
            IsOffline: false, Reservation: null, denial?.Code, denial?.Cause, denial?.Hint));

    private static void Save(PyResolveClient client, Func<string, DateTimeOffset, LastDecision> create)
    {
        try
        {
            if (client.Keys.FindApiKey() is not { } key || !Directory.Exists(client.Keys.Home))
                return;
            var decision = create(key.MaskedKey, TimeProvider.System.GetUtcNow());
            var path = PathOf(client);
            var draft = $"{path}.{Environment.ProcessId}";
            File.WriteAllText(draft, JsonSerializer.Serialize(decision, LastDecisionJson.Default.LastDecision));
            File.Move(draft, path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or PyResolveException)
        {
            // Nothing is explained later.
        }
    }

    /// <returns><see langword="null"/> when nothing is known of this key at this server.</returns>
    public static LastDecision? Find(PyResolveClient client)
    {
        try
        {
            var decision = JsonSerializer.Deserialize(File.ReadAllText(PathOf(client)), LastDecisionJson.Default.LastDecision);
            return decision is not null && decision.Server == ServerOf(client) && decision.KeyPrefix == client.Keys.FindApiKey()?.MaskedKey
                ? decision
                : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    private static string ServerOf(PyResolveClient client) => string.Join(
        ",", client.ApiUrls.Select(static url => url.AbsoluteUri.TrimEnd('/')).Order(StringComparer.Ordinal));

    private static string PathOf(PyResolveClient client)
    {
        var profile = client.Keys.FindProfile();
        return Path.Combine(client.Keys.Home, profile is null ? "last-decision.json" : $"last-decision-{profile}.json");
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(LastDecision))]
internal sealed partial class LastDecisionJson : JsonSerializerContext;
