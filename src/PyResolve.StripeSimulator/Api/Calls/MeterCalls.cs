using System.Globalization;
using System.Text.Json.Nodes;
using PyResolve.StripeSimulator.Lifecycle;
using PyResolve.StripeSimulator.Objects;

namespace PyResolve.StripeSimulator.Api.Calls;

internal static class MeterCalls
{
    private const string Kind = "billing meter";
    private const long OldestEvent = 35 * 24 * 60 * 60;
    private const long NewestEvent = 5 * 60;
    private const int LongestIdentifier = 100;

    public static JsonObject Create(ApiCall call)
    {
        var (state, form) = (call.State, call.Form);
        var name = form.Text("event_name")!;
        if (state.Meters.All.Any(meter => meter.IsActive && meter.EventName == name))
            throw ApiErrorException.Invalid($"An active meter with the event name {name} exists already.", "event_name");
        var meter = state.Meters.Add(new Meter
        {
            Id = state.Ids.Next("mtr_test"),
            Created = state.Now,
            Updated = state.Now,
            DisplayName = form.Text("display_name")!,
            EventName = name,
            Formula = form.Text("default_aggregation.formula")!,
            CustomerKey = form.Text("customer_mapping.event_payload_key") ?? "stripe_customer_id",
            ValueKey = form.Text("value_settings.event_payload_key") ?? "value",
        });
        state.Events.Emit(meter, "created");
        return meter.Render();
    }

    public static JsonObject Get(ApiCall call) => call.GetByPath(call.State.Meters, Kind).Render();

    public static JsonObject List(ApiCall call) => Lists.Page(call, "/v1/billing/meters", Kind, call.State.Meters.NewestFirst.Where(meter =>
        Lists.Matches(call.Form, "status", meter.IsActive ? "active" : "inactive")));

    public static JsonObject Update(ApiCall call) =>
        Change(call, "updated", meter => meter.DisplayName = call.Form.Text("display_name") ?? meter.DisplayName);

    public static JsonObject Deactivate(ApiCall call) => Change(call, "deactivated", static meter => meter.IsActive = false);

    public static JsonObject Reactivate(ApiCall call) => Change(call, "reactivated", static meter => meter.IsActive = true);

    public static JsonObject Report(ApiCall call)
    {
        var (state, form) = (call.State, call.Form);
        var name = form.Text("event_name")!;
        var meter = state.Meters.All.FirstOrDefault(meter => meter.IsActive && meter.EventName == name)
            ?? throw ApiErrorException.Invalid($"No active meter found for event name {name}.", "event_name");
        var identifier = form.Text("identifier") ?? state.Ids.Next("identifier");
        if (identifier.Length > LongestIdentifier)
            throw ApiErrorException.Invalid($"Invalid string: must be at most {LongestIdentifier} characters", "identifier");
        if (Metering.IsKnown(state, identifier))
            throw ApiErrorException.Invalid($"An event already exists with identifier {identifier}.");
        var payload = form.Merge("payload");
        var customer = CustomerOf(call, meter, payload);
        var at = ReadTimestamp(form, state.NowOn(customer.TestClockId));
        var usage = new MeterEvent(meter, identifier, customer.Id, ValueOf(meter, payload), at, state.Now, payload);
        state.MeterEvents.Add(usage);
        return usage.Render();
    }

    /// <summary>Takes an event of the last day back.</summary>
    public static JsonObject Adjust(ApiCall call)
    {
        var identifier = call.Form.Text("cancel.identifier") ?? throw ApiErrorException.MissingParameter("cancel[identifier]");
        var usage = call.State.MeterEvents.FindLast(known =>
            known.Identifier == identifier && known.Meter.EventName == call.Form.Text("event_name"))
            ?? throw ApiErrorException.Invalid($"No event found with identifier {identifier}.", "cancel[identifier]");
        // The identifier stays known, with nothing to bill.
        call.State.MeterEvents[call.State.MeterEvents.IndexOf(usage)] = usage with { CustomerId = "" };
        return new JsonObject
        {
            ["object"] = "billing.meter_event_adjustment",
            ["cancel"] = new JsonObject { ["identifier"] = identifier },
            ["event_name"] = usage.Meter.EventName,
            ["livemode"] = false,
            ["status"] = "complete",
            ["type"] = "cancel",
        };
    }

    /// <summary>One summary of the whole time.</summary>
    public static JsonObject Summarize(ApiCall call)
    {
        var form = call.Form;
        var meter = call.GetByPath(call.State.Meters, Kind);
        var customer = call.FindByParameter(call.State.Customers, "customer", "customer")!;
        var (from, until) = (form.Number("start_time")!.Value, form.Number("end_time")!.Value);
        if (from % 60 != 0 || until % 60 != 0 || until <= from)
            throw ApiErrorException.Invalid("`start_time` and `end_time` must be aligned with minute boundaries.", "start_time");
        var summary = new JsonObject
        {
            ["id"] = $"mtrusg_{meter.Id}_{from}",
            ["object"] = "billing.meter_event_summary",
            ["aggregated_value"] = Metering.Total(call.State, meter, customer.Id, from, until),
            ["end_time"] = until,
            ["livemode"] = false,
            ["meter"] = meter.Id,
            ["start_time"] = from,
        };
        return Shapes.List($"/v1/billing/meters/{meter.Id}/event_summaries", [summary]);
    }

    private static JsonObject Change(ApiCall call, string verb, Action<Meter> change)
    {
        var meter = call.GetByPath(call.State.Meters, Kind);
        call.State.Events.Change(
            meter,
            () =>
            {
                change(meter);
                meter.Updated = call.State.Now;
            },
            verb);
        return meter.Render();
    }

    private static Customer CustomerOf(ApiCall call, Meter meter, Dictionary<string, string> payload)
    {
        var param = $"payload[{meter.CustomerKey}]";
        var id = payload.GetValueOrDefault(meter.CustomerKey) ?? throw ApiErrorException.MissingParameter(param);
        return ApiCall.GetByParameter(call.State.Customers, "customer", id, param);
    }

    private static decimal ValueOf(Meter meter, Dictionary<string, string> payload) => meter.Formula == "count"
        ? 1
        : Metering.ReadValue(payload.GetValueOrDefault(meter.ValueKey))
            ?? throw ApiErrorException.Invalid($"The payload's `{meter.ValueKey}` must be a number.", $"payload[{meter.ValueKey}]");

    private static long ReadTimestamp(Form form, long now)
    {
        var at = form.Number("timestamp") ?? now;
        if (at < now - OldestEvent)
            throw ApiErrorException.Invalid("The timestamp is more than 35 days in the past.", "timestamp");
        return at <= now + NewestEvent
            ? at
            : throw ApiErrorException.Invalid(
                string.Create(CultureInfo.InvariantCulture, $"The timestamp is more than {NewestEvent / 60} minutes in the future."),
                "timestamp");
    }
}
