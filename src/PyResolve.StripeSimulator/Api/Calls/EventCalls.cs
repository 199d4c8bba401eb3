using System.Text.Json.Nodes;

namespace PyResolve.StripeSimulator.Api.Calls;

internal static class EventCalls
{
    private const int MostTypes = 20;

    public static JsonObject Get(ApiCall call) => (call.World.Events.Find(call.Id) ?? throw StripeException.Missing("event", call.Id)).Render();

    public static JsonObject List(ApiCall call)
    {
        var (form, types) = (call.Form, call.Form.Texts("types"));
        if (form.Has("type") && types.Count > 0)
            throw StripeException.Invalid("You may only specify one of these parameters: type, types.", "types");
        if (types.Count > MostTypes)
            throw StripeException.Invalid($"You may pass at most {MostTypes} types.", "types");
        return Lists.Page(call, "/v1/events", "event", call.World.Events.NewestFirst.Where(happened =>
            !happened.IsThin
            && IsType(happened.Type, form.Text("type"))
            && (types.Count == 0 || types.Contains(happened.Type, StringComparer.Ordinal))
            && (form.Text("delivery_success") is not { } delivered || (happened.PendingWebhooks == 0) == (delivered == "true"))
            && Lists.IsWithin(form, "created", happened.Created)));
    }

    /// <summary>A type may end in a wildcard, as <c>customer.*</c>.</summary>
    private static bool IsType(string type, string? wanted) =>
        wanted is null || type == wanted || (wanted.EndsWith(".*", StringComparison.Ordinal) && type.StartsWith(wanted[..^1], StringComparison.Ordinal));
}
