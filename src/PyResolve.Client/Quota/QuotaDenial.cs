using PyResolve.Client.Wire;

namespace PyResolve.Client;

/// <summary>Why a migration may not run.</summary>
public sealed record QuotaDenial
{
    /// <summary><see cref="ProblemCodes.QuotaExceeded"/>, <see cref="ProblemCodes.LlmNotAllowed"/>,
    /// <see cref="PyResolveErrorCodes.LoginRequired"/> or <see cref="PyResolveErrorCodes.Offline"/>.</summary>
    public required string Code { get; init; }

    /// <summary>The reason, then <see cref="Hint"/>, in one line; <see cref="PyResolveErrorCodes.LoginRequired"/> has several.</summary>
    public required string Message { get; init; }

    /// <summary>The message without <see cref="Hint"/>.</summary>
    public string Cause => Hint is { Length: > 0 } && Message.EndsWith(Hint, StringComparison.Ordinal)
        ? Message.Remove(Message.Length - Hint.Length).TrimEnd()
        : Message;

    /// <summary>What to do next, for people, such as "Upgrade at https://…"; <see langword="null"/> when there is no advice beyond
    /// <see cref="Cause"/>. <see cref="Message"/> ends with it.</summary>
    public string? Hint { get; init; }

    /// <summary>When the quota is full again; <see langword="null"/> when waiting does not help.</summary>
    public DateTimeOffset? ResetsAt { get; init; }

    /// <summary>When the earliest reservation that holds quota of the account ends, so that trying again may help before
    /// <see cref="ResetsAt"/>; <see langword="null"/> when none stands in the way, or the server did not say.</summary>
    public DateTimeOffset? HeldUntil { get; init; }

    /// <summary>The page on which to upgrade the plan; <see langword="null"/> when the server did not say.</summary>
    public Uri? UpgradeUrl { get; init; }

    /// <summary>The account's quota; <see langword="null"/> when the server did not say.</summary>
    public QuotaSnapshot? Quota { get; init; }
}
