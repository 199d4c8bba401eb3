using System.Globalization;
using PyResolve.Client.Wire;

namespace PyResolve.Client;

/// <summary>Turns refusals into something to show.</summary>
internal static class Denials
{
    public static QuotaDenial LoginRequired() => new()
    {
        Code = PyResolveErrorCodes.LoginRequired,
        Message = """
            LLM-powered migrations require an account. Options:
              1. Run 'pyresolve login', or set PYRESOLVE_API_KEY. A free account: https://pyresolve.dev
              2. Use tier1, which needs no account: deterministic migration, by syntax tree alone.
            """,
    };

    /// <summary>The denial in a refusal of the server's; <see langword="null"/> when it is a fault rather than a refusal.</summary>
    public static QuotaDenial? From(PyResolveException exception)
    {
        var isRefusal = exception is { Status: 402 } or { Status: 403, Code: ProblemCodes.LlmNotAllowed };
        if (!isRefusal || exception.Problem is not { } problem)
            return null;
        var upgradeUrl = Uri.TryCreate(problem.UpgradeUrl, UriKind.Absolute, out var url) && url.Scheme is "https" or "http" ? url : null;
        return new()
        {
            Code = exception.Code,
            Message = Compose(exception.Message, problem.ResetsAt, upgradeUrl),
            ResetsAt = problem.ResetsAt,
            UpgradeUrl = upgradeUrl,
        };
    }

    /// <summary>The denial that a permit would meet; <see langword="null"/> when it would be granted. The plan is judged before the quota, as on the server.</summary>
    public static QuotaDenial? From(QuotaSnapshot quota, MigrationTier tier)
    {
        if (tier != MigrationTier.Tier1 && !quota.LlmAllowed)
        {
            return new()
            {
                Code = ProblemCodes.LlmNotAllowed,
                Message = $"LLM migrations need a plan that has them, and this account is on {quota.Plan}. Upgrade the plan, or use tier1.",
                Quota = quota,
            };
        }

        return quota.CanMigrate ? null : new()
        {
            Code = ProblemCodes.QuotaExceeded,
            Message = Compose($"Monthly limit reached ({quota.MigrationsLimit} migrations).", quota.ResetsAt, upgradeUrl: null),
            ResetsAt = quota.ResetsAt,
            Quota = quota,
        };
    }

    /// <summary>The server was not there to ask, and what is prepaid does not cover it.</summary>
    public static QuotaDenial Offline(MigrationTier tier, PyResolveException failure, LeaseFault fault)
    {
        var why = fault switch
        {
            LeaseFault.UsedUp => "what was prepaid on this machine is used up, or less than asked for is left",
            LeaseFault.Expired => "what was prepaid on this machine has expired",
            LeaseFault.Foreign => "what is prepaid here is of another account or another server, or signed by a key that it has withdrawn",
            LeaseFault.Copied => "what is prepaid here was prepaid on another machine, or before this one got another name",
            LeaseFault.Forged => "what is prepaid here is not what the server signed",
            LeaseFault.Unverifiable => "this runtime cannot check the signature of what is prepaid; use .NET Framework 4.7 or later",
            LeaseFault.Damaged => "the ledger of what is prepaid on this machine is damaged",
            LeaseFault.ClockSetBack => "this machine's clock was set back, so that nobody can tell whether what was prepaid is still good; set it right",
            LeaseFault.Inaccessible => "the ledger of what is prepaid cannot be read and written; make ~/.pyresolve/leases yours to write",
            _ => "none is prepaid on this machine",
        };
        return new()
        {
            Code = PyResolveErrorCodes.Offline,
            Message = $"{failure.Message} Without the server {tier.ToWire()} needs a prepaid migration: {why}. Connect and try again, or use tier1, which works offline.",
        };
    }

    private static string Compose(string reason, DateTimeOffset? resetsAt, Uri? upgradeUrl)
    {
        var message = reason;
        if (resetsAt?.UtcDateTime.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) is { } day && !message.Contains(day))
            message += $" It resets on {day} (UTC).";
        if (upgradeUrl is not null && !message.Contains(upgradeUrl.OriginalString))
            message += $" Upgrade at {upgradeUrl.OriginalString}";
        return message;
    }
}
