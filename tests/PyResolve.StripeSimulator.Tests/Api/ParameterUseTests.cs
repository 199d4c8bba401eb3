using PyResolve.StripeSimulator.Api;

namespace PyResolve.StripeSimulator.Tests.Api;

/// <summary>
/// A parameter that is accepted is done: code that its call leads to names it. What has nothing to change here is listed with the reason.
/// </summary>
public sealed class ParameterUseTests
{
    private static readonly string[] OfEveryCall = ["expand", "limit", "starting_after", "ending_before"];

    private static readonly string[] Scalars = ["text", "int", "bool", "time", "range", "map"];

    private static readonly Dictionary<string, string> WithoutEffect = new(StringComparer.Ordinal)
    {
        ["POST /v1/payment_methods card.exp_month"] = "no test card expires",
        ["POST /v1/payment_methods card.exp_year"] = "no test card expires",
        ["POST /v1/payment_methods card.cvc"] = "the number alone says how a test card behaves",
        ["POST /v1/payment_intents off_session"] = "no card asks its owner",
        ["POST /v1/payment_intents automatic_payment_methods.enabled"] = "the call names the method, or the customer has one",
        ["POST /v1/payment_intents automatic_payment_methods.allow_redirects"] = "no method redirects",
        ["POST /v1/payment_intents payment_method_types"] = "the call names the method, or the customer has one",
        ["POST /v1/payment_intents return_url"] = "no method redirects",
        ["POST /v1/payment_intents/{id}/confirm off_session"] = "no card asks its owner",
        ["POST /v1/payment_intents/{id}/confirm return_url"] = "no method redirects",
        ["POST /v1/checkout/sessions billing_address_collection"] = "there are no addresses",
        ["POST /v1/checkout/sessions customer_update.address"] = "there are no addresses",
        ["POST /v1/checkout/sessions integration_identifier"] = "a mark for Stripe's own statistics",
        ["POST /v1/subscriptions proration_behavior"] = "a new subscription begins a whole period",
        ["POST /v1/subscriptions/{id}/resume proration_behavior"] = "a resumed subscription begins a whole period",
        ["POST /v1/subscription_schedules/{id}/release preserve_cancel_date"] = "the portal's schedules end no subscription",
    };

    public static TheoryData<string> Calls => [.. ParameterTable.Rules.Keys];

    [Theory]
    [MemberData(nameof(Calls))]
    public void Every_accepted_parameter_is_read_by_the_code_of_its_call(string call)
    {
        var parts = call.Split(' ');
        var handler = Routes.Find(parts[0], parts[1])!.Handler.Method;
        var names = CallCode.TextsOf(handler).SelectMany(static text => text.Split('.', '[', ']')).ToHashSet();

        var unread = LeavesOf(ParameterTable.Rules[call], "")
            .Where(path => !OfEveryCall.Contains(path) && !names.Contains(path.Split('.')[^1])).Select(path => $"{call} {path}");

        unread.ShouldBe(WithoutEffect.Keys.Where(key => key.StartsWith($"{call} ", StringComparison.Ordinal)), ignoreOrder: true);
    }

    private static IEnumerable<string> LeavesOf(ParameterRule rule, string path) => rule.Members.SelectMany(member =>
    {
        var at = member.Key == "[]" ? path : path.Length == 0 ? member.Key : $"{path}.{member.Key}";
        return member.Value.Members.Count > 0 ? LeavesOf(member.Value, at) : HasOneValue(member.Value) ? [] : [at];
    });

    /// <summary>Then there is nothing to choose.</summary>
    private static bool HasOneValue(ParameterRule rule) =>
        !Scalars.Contains(rule.Type) && !rule.Type.Contains('|', StringComparison.Ordinal);
}
