using System.Globalization;
using PyResolve.Client.Wire;

namespace PyResolve.Client;

internal static class Denials
{
    public static QuotaDenial LoginRequired(ClientSettings settings) => Create(
        PyResolveErrorCodes.LoginRequired,
        "LLM-powered migrations require an account.",
        $"""
        Options:
          1. {settings.LogInHint} A free account: {settings.SignUpUrl?.OriginalString}
          2. Use tier1, which needs no account: deterministic migration, by syntax tree alone.
        """);

    /// <summary>The denial in the server's answer; <see langword="null"/> when the answer is a failure, not a denial.</summary>
    public static QuotaDenial? From(PyResolveException exception, ClientSettings settings)
    {
        var isDenial = exception is { Status: 402 } or { Status: 403, Code: ProblemCodes.LlmNotAllowed };
        if (!isDenial || exception.Problem is not { } problem)
            return null;
        var named = Uri.TryCreate(problem.UpgradeUrl, UriKind.Absolute, out var url) && url.Scheme is "https" or "http" ? url : null;
        var upgradeUrl = settings.UpgradeUrl ?? named;
        var reason = named is null ? exception.Message : exception.Message.Replace(named.OriginalString, upgradeUrl!.OriginalString);
        return CreateFrom(exception.Code, reason, Hint(reason, problem.ResetsAt, upgradeUrl, problem.HeldUntil), upgradeUrl) with
        {
            ResetsAt = problem.ResetsAt,
            HeldUntil = problem.HeldUntil,
            UpgradeUrl = upgradeUrl,
        };
    }

    /// <summary><see langword="null"/> when a permit would be granted. The plan is checked before the quota, as on the server.</summary>
    public static QuotaDenial? From(QuotaSnapshot quota, MigrationTier tier, ClientSettings settings)
    {
        // The server names its page only when it denies a permit.
        var upgradeUrl = settings.UpgradeUrl ?? new Uri(settings.ApiUrl.AbsoluteUri.TrimEnd('/') + "/pricing");
        if (tier != MigrationTier.Tier1 && !quota.LlmAllowed)
        {
            var text = DenialTexts.LlmNotAllowed(quota.Plan, upgradeUrl.OriginalString);
            return CreateFrom(ProblemCodes.LlmNotAllowed, text, hint: null, upgradeUrl) with { Quota = quota, UpgradeUrl = upgradeUrl };
        }

        if (quota.CanMigrate || quota.MigrationsLimit.Value is not { } limit)
            return null;
        // Older servers do not send it.
        DateTimeOffset? resetsAt = quota.ResetsAt == default ? null : quota.ResetsAt;
        var reason = DenialTexts.LimitReached(quota.Plan, limit, quota.MigrationsUsed, quota.MigrationsHeld, asked: 1)
            + (resetsAt is { } instant ? $" {DenialTexts.ResetsAt(instant)}" : "");
        var hint = Hint(reason, resetsAt, upgradeUrl);
        return Create(ProblemCodes.QuotaExceeded, reason, hint) with
        {
            ResetsAt = resetsAt,
            UpgradeUrl = upgradeUrl,
            Quota = quota,
        };
    }

    public static QuotaDenial Offline(MigrationTier tier, PyResolveException failure, LeaseProblem problem) => Create(
        PyResolveErrorCodes.Offline,
        failure.Message,
        $"Without the server {tier.ToWire()} needs a prepaid migration: {Describe(problem)}. "
        + "Connect and try again, or use tier1, which works offline.");

    /// <summary>Why what is stored on this machine cannot be spent, as part of a sentence.</summary>
    public static string Describe(LeaseProblem problem) => problem switch
    {
        LeaseProblem.UsedUp => "what was prepaid on this machine is used up, or less than requested is left",
        LeaseProblem.Expired => "what was prepaid on this machine has expired",
        LeaseProblem.Foreign =>
            "what is prepaid here belongs to another account or another server, or is signed by a key that it has withdrawn",
        LeaseProblem.Copied => "what is prepaid here was prepaid on another machine, or in another folder",
        LeaseProblem.Forged => "what is prepaid here is not what the server signed",
        LeaseProblem.Unverifiable => "this runtime cannot verify the signature of what is prepaid; use .NET Framework 4.7 or later",
        LeaseProblem.Damaged => "the ledger of what is prepaid on this machine is damaged",
        LeaseProblem.ClockSetBack => "this machine's clock was set back, and what was prepaid may have expired; set it right",
        LeaseProblem.Inaccessible => "the ledger of what is prepaid cannot be read and written; make ~/.pyresolve/leases writable",
        LeaseProblem.NoLocks =>
            "file locks do not work where it is kept, so that it could be spent twice; set PYRESOLVE_HOME to a folder on a local disk",
        _ => "none is prepaid on this machine",
    };

    /// <summary>The server is out of reach, and the outcome could not be kept for it either.</summary>
    public static QuotaDenial Unkept(PyResolveException failure, string reason) => Create(
        PyResolveErrorCodes.Offline,
        failure.Message,
        $"Without the server the outcome is kept on disk, which is not possible: {reason}");

    /// <summary>The server's text may end with what to do: that is the hint.</summary>
    private static QuotaDenial CreateFrom(string code, string text, string? hint, Uri? upgradeUrl)
    {
        var advice = upgradeUrl is null ? null : DenialTexts.LlmAdvice(upgradeUrl.OriginalString);
        return advice is not null && hint is null && text.EndsWith(" " + advice, StringComparison.Ordinal)
            ? Create(code, text.Remove(text.Length - advice.Length - 1), advice)
            : Create(code, text, hint);
    }

    private static QuotaDenial Create(string code, string reason, string? hint) =>
        new() { Code = code, Message = hint is null ? reason : $"{reason} {hint}", Hint = hint };

    /// <summary>When to try again, and where to upgrade, unless the reason says so already.</summary>
    private static string? Hint(string reason, DateTimeOffset? resetsAt, Uri? upgradeUrl, DateTimeOffset? heldUntil = null)
    {
        var hints = new List<string>();
        if (heldUntil?.UtcDateTime is { } end && !reason.Contains(end.ToString("HH:mm", CultureInfo.InvariantCulture)))
        {
            var time = end.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);
            hints.Add($"A reservation that stands in the way ends at {time} (UTC): try again then.");
        }

        if (resetsAt?.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) is { } day && !reason.Contains(day))
            hints.Add($"It resets on {day} (UTC).");
        if (upgradeUrl is not null && !reason.Contains(upgradeUrl.OriginalString))
            hints.Add($"Upgrade at {upgradeUrl.OriginalString}");
        return hints.Count == 0 ? null : string.Join(" ", hints);
    }
}
