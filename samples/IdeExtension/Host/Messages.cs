using System.Text.Json;
using System.Text.Json.Serialization;

namespace PyResolve.IdeHost;

/// <summary>The first answer: whether the two sides understand each other.</summary>
/// <param name="Protocol">Grows when a message changes in a way that older extensions cannot read.</param>
public sealed record HostInfo(int Protocol, string Version);

/// <summary>What a status bar shows.</summary>
/// <param name="Server">The server's address.</param>
/// <param name="Account"><see langword="null"/> when nobody is logged in.</param>
public sealed record AccountStatus(Uri Server, AccountDetails? Account);

/// <param name="KeySource"><c>environment</c>, which a login does not change, or <c>config_file</c>.</param>
public sealed record AccountDetails(string Email, string Plan, QuotaDetails Quota, string KeySource);

/// <param name="Limit"><see langword="null"/> when there is no limit.</param>
/// <param name="Remaining"><see langword="null"/> when there is no limit.</param>
public sealed record QuotaDetails(long Used, long Held, long? Limit, long? Remaining, bool LlmAllowed, DateTimeOffset ResetsAt);

/// <summary>Sent while a login waits for its approval: the page to open, and the code that it shows.</summary>
public sealed record LogInPrompt(Uri Page, string Code);

/// <param name="Limit">Migrations a month; <see langword="null"/> when there is no limit.</param>
/// <param name="Price">Such as <c>19.00 USD a month</c>; <see langword="null"/> for a plan that is not sold.</param>
public sealed record PlanOffer(string Name, long? Limit, bool LlmAllowed, string? Price);

/// <summary>A page to open in a browser.</summary>
public sealed record WebPage(Uri Page);

/// <summary>The data of an error.</summary>
/// <param name="Code">A stable word, such as <c>unreachable</c>, <c>login_required</c> or <c>no_billing_account</c>.</param>
/// <param name="Hint">What to do about it.</param>
public sealed record HostError(string Code, string? Hint);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(HostInfo))]
[JsonSerializable(typeof(AccountStatus))]
[JsonSerializable(typeof(LogInPrompt))]
[JsonSerializable(typeof(IReadOnlyList<PlanOffer>))]
[JsonSerializable(typeof(WebPage))]
[JsonSerializable(typeof(HostError))]
[JsonSerializable(typeof(string))]
[JsonSerializable(typeof(int))]
internal sealed partial class HostJson : JsonSerializerContext;
