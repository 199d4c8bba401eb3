using System.Text.Json.Nodes;
using PyResolve.StripeSimulator.State;

namespace PyResolve.StripeSimulator.Api.Calls;

internal static class EventCalls
{
    private const int MostTypes = 20;

    public static JsonObject Get(ApiCall call) =>
        (call.State.Events.Find(call.Id) ?? throw ApiErrorException.Missing("event", call.Id)).Render();

    public static JsonObject List(ApiCall call)
    {
        var (form, types) = (call.Form, call.Form.Texts("types"));
        if (form.Has("type") && types.Count > 0)
            throw ApiErrorException.Invalid("You may only specify one of these parameters: type, types.", "types");
        if (types.Count > MostTypes)
            throw ApiErrorException.Invalid($"You may pass at most {MostTypes} types.", "types");
        return Lists.Page(call, "/v1/events", "event", call.State.Events.NewestFirst.Where(stripeEvent =>
            !stripeEvent.IsThin
            && IsType(stripeEvent.Type, form.Text("type"))
            && (types.Count == 0 || types.Contains(stripeEvent.Type, StringComparer.Ordinal))
            && (form.Text("delivery_success") is not { } delivered || (stripeEvent.PendingWebhooks == 0) == (delivered == "true"))
            && Lists.MatchesRange(form, "created", stripeEvent.Created)));
    }

    /// <summary><c>customer.*</c> matches every type with that prefix.</summary>
    private static bool IsType(string type, string? wanted) =>
        wanted is null || type == wanted
            || (wanted.EndsWith(".*", StringComparison.Ordinal) && type.StartsWith(wanted[..^1], StringComparison.Ordinal));
}
