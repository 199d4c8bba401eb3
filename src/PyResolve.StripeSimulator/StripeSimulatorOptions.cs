namespace PyResolve.StripeSimulator;

/// <summary>What becomes of a subscription whose every payment attempt failed: a setting of the account, at Stripe.</summary>
public enum AfterFailedRetries
{
    /// <summary>It is canceled.</summary>
    Cancel,

    /// <summary>It becomes <c>unpaid</c>.</summary>
    MarkUnpaid,

    /// <summary>It stays <c>past_due</c>.</summary>
    LeavePastDue,
}

/// <summary>How the simulator runs.</summary>
public sealed record StripeSimulatorOptions
{
    /// <summary>The API version that this project is written for.</summary>
    public const string PinnedApiVersion = "2026-07-29.dahlia";

    /// <summary>The key that is accepted unless another is chosen.</summary>
    public const string DefaultSecretKey = "sk_test_simulator";

    /// <summary>The port on loopback; 0, the default, takes a free one.</summary>
    public int Port { get; init; }

    /// <summary>The one key that is accepted. Begins with <c>sk_test_</c>.</summary>
    public string SecretKey { get; init; } = DefaultSecretKey;

    /// <summary>The account's API version: that of requests without <c>Stripe-Version</c>, and of events.</summary>
    public string ApiVersion { get; init; } = PinnedApiVersion;

    /// <summary>Default <see cref="AfterFailedRetries.Cancel"/>, after three retries within 15 days.</summary>
    public AfterFailedRetries AfterFailedRetries { get; init; }

    /// <summary>Real time; what the simulator's own clock is ahead of it is on top.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>What stands in every id of this run; random unless given, so that two runs never share an id.</summary>
    public string? IdTag { get; init; }

    /// <summary>The environment's name. <c>Production</c> is refused.</summary>
    public string Environment { get; init; } = "Development";

    /// <summary>Whether warnings and errors are logged to the console; default no.</summary>
    public bool Logs { get; init; }
}
