using PyResolve.Client.Wire;

namespace PyResolve.Client;

/// <summary>Why a migration may not run.</summary>
public sealed record QuotaDenial
{
    /// <summary><see cref="ProblemCodes.QuotaExceeded"/>, <see cref="ProblemCodes.LlmNotAllowed"/>, <see cref="PyResolveErrorCodes.LoginRequired"/> or <see cref="PyResolveErrorCodes.Offline"/>.</summary>
    public required string Code { get; init; }

    /// <summary>For people: why, what would allow it, when it resets. <see cref="PyResolveErrorCodes.LoginRequired"/> has several lines.</summary>
    public required string Message { get; init; }

    /// <summary>When the quota is full again; <see langword="null"/> where waiting does not help.</summary>
    public DateTimeOffset? ResetsAt { get; init; }

    /// <summary>Where more is to be had; <see langword="null"/> when the server did not say.</summary>
    public Uri? UpgradeUrl { get; init; }

    /// <summary>Where the account stands; <see langword="null"/> when the server did not say.</summary>
    public QuotaSnapshot? Quota { get; init; }
}
