using System.Text.Json;
using PyResolve.Cli.Migrations;
using PyResolve.Cli.Output;
using PyResolve.Client;
using PyResolve.Client.Wire;

namespace PyResolve.Cli.Commands;

/// <summary>Why the last upgrade on this machine was granted or denied.</summary>
internal static class DecisionText
{
    /// <returns><see langword="null"/> when none is known.</returns>
    public static async Task<Explanation?> FindAsync(PyResolveClient client, CancellationToken cancellationToken)
    {
        if (LastDecision.Find(client) is not { } decision)
            return null;
        var reservation = decision is { IsGranted: true, Reservation: { } id } ? await ReadAsync(client, id, cancellationToken) : null;
        var receipt = reservation?.Receipt;
        return new Explanation(
            decision.IsGranted ? "granted" : "denied",
            decision.At,
            decision.Library,
            decision.Tier,
            decision.IsOffline,
            decision.Reservation,
            reservation?.State,
            receipt is null ? null : CliJson.Wire(reservation!, WireJson.Default.Reservation).GetProperty("receipt"),
            decision.Code,
            decision.Cause ?? receipt?.Reason,
            decision.Hint);
    }

    public static void Show(Terminal terminal, Explanation? decision)
    {
        terminal.Line();
        if (decision is null)
        {
            terminal.Line("Last decision: none. No upgrade has run on this machine with this key.");
            return;
        }

        var what = decision.Decision == "granted" ? terminal.Paint("granted", Colour.Green) : terminal.Paint("denied", Colour.Red);
        terminal.Line($"Last decision ({QuotaText.FormatTime(decision.At)}): {decision.Library}, {decision.Tier}, {what}");
        terminal.Line($"  Why:        {DescribeReason(decision)}");
        if (decision.Hint is { Length: > 0 } hint)
            terminal.Line($"  Next:       {hint.ReplaceLineEndings(" ")}");
        if (decision.Receipt is { } receipt)
            terminal.Line($"  Before it:  {DescribeReceipt(receipt)}");
        if (decision is { ReservationId: { } id, Decision: "granted" })
            terminal.Line($"  Held as:    {id}{(decision.State is null ? "" : $", {decision.State}")}");
    }

    private static string DescribeReason(Explanation decision) => decision switch
    {
        { Reason: { } reason } => reason,
        { Offline: true, ReservationId: not null } => "The server was out of reach, and migrations were prepaid on this machine.",
        { Offline: true } => "The server was out of reach, and tier1 runs without it.",
        { ReservationId: null } => "The server granted it, and did the work itself.",
        _ => "The server granted it, and no longer has the receipt.",
    };

    private static string DescribeReceipt(JsonElement receipt)
    {
        var limit = receipt.GetProperty("limit");
        var (used, held) = (receipt.GetProperty("used_before").GetInt64(), receipt.GetProperty("held_before").GetInt64());
        var of = limit.ValueKind == JsonValueKind.Number ? $" of {QuotaText.FormatNumber(limit.GetInt64())}" : "";
        return $"plan {receipt.GetProperty("plan").GetString()}, {used}{of} used, {held} held";
    }

    private static async Task<Reservation?> ReadAsync(PyResolveClient client, Guid id, CancellationToken cancellationToken)
    {
        try
        {
            return await client.GetReservationAsync(id, cancellationToken);
        }
        catch (PyResolveException e) when (e.Status is 403 or 404)
        {
            // Gone with an old month, or another account's; or the key may not read reservations.
            return null;
        }
    }
}
