namespace PyResolve.StripeSimulator;

/// <summary>What happens to a subscription after the last failed payment attempt; a setting of the account at Stripe.</summary>
public enum AfterFailedRetries
{
    Cancel,

    MarkUnpaid,

    LeavePastDue,
}

public sealed record StripeSimulatorOptions
{
    /// <summary>The API version that this project is written for.</summary>
    public const string PinnedApiVersion = "2026-07-29.dahlia";

    public const string DefaultSecretKey = "sk_test_simulator";

    /// <summary>The port on loopback; 0 takes a free one.</summary>
    public int Port { get; init; }

    /// <summary>The only accepted key. Begins with <c>sk_test_</c>.</summary>
    public string SecretKey { get; init; } = DefaultSecretKey;

    /// <summary>The account's API version: of events, and of requests without <c>Stripe-Version</c>.</summary>
    public string ApiVersion { get; init; } = PinnedApiVersion;

    /// <summary>After three retries within 15 days.</summary>
    public AfterFailedRetries AfterFailedRetries { get; init; }

    /// <summary>Real time, to which the simulator's clock adds.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>A part of every id of this run; default random, so that two runs have different ids.</summary>
    public string? IdTag { get; init; }

    /// <summary>The environment's name. <c>Production</c> is refused.</summary>
    public string Environment { get; init; } = "Development";

    /// <summary>Whether warnings and errors are logged to the console.</summary>
    public bool Logs { get; init; }
}
