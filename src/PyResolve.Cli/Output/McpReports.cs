using System.Text.Json;

namespace PyResolve.Cli.Output;

/// <summary>What <c>get_quota</c> answers.</summary>
/// <param name="WaitingUsageEvents">Events that are not yet sent, and so not yet counted.</param>
internal sealed record QuotaReport(string Email, string Plan, JsonElement Quota, long WaitingUsageEvents) : Report;

/// <summary>What the resource <c>pyresolve://plan</c> has.</summary>
/// <param name="Plans">The plans that can be bought.</param>
internal sealed record PlanReport(string Plan, JsonElement Quota, JsonElement Plans) : Report;

/// <summary>What <c>check_migration</c> answers.</summary>
/// <param name="Cost">How many migrations the upgrade uses if it changes files; 0 without an account.</param>
/// <param name="Refusal">Why it is not allowed; <see langword="null"/> when it is.</param>
/// <param name="Preview">What it would do and change, where that was asked for and it is allowed.</param>
internal sealed record CheckReport(
    string Library, string Target, string Tier, string Path, string Migrator, bool Allowed, int Cost, JsonElement? Quota,
    RefusalReport? Refusal, JsonElement? Preview) : Report;

/// <summary>What <c>report_usage</c> answers.</summary>
/// <param name="Sent">Whether the server has it; otherwise it is kept on disk, and sent later.</param>
internal sealed record RecordedReport(Guid? EventId, bool Sent) : Report;

/// <summary>What a tool answers that did not do its work.</summary>
/// <param name="Code">Why, as a stable word.</param>
/// <param name="Message">Why, for people.</param>
/// <param name="Next">What to do, a step a line.</param>
/// <param name="Retryable">Whether the same call may succeed without a change, in a while.</param>
internal sealed record RefusalReport(
    string Code, string Message, IReadOnlyList<string> Next, bool Retryable, DateTimeOffset? ResetsAt, DateTimeOffset? HeldUntil,
    string? UpgradeUrl, JsonElement? Quota) : Report;
