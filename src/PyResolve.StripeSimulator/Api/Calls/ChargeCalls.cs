using System.Text.Json.Nodes;
using PyResolve.StripeSimulator.Objects;

namespace PyResolve.StripeSimulator.Api.Calls;

/// <summary>Payments are kept with their invoices, and nobody disputes one: there is nothing to list.</summary>
internal static class ChargeCalls
{
    public static JsonObject List(ApiCall call) => Lists.Page<StripeObject>(call, "/v1/charges", "charge", []);

    public static JsonObject Get(ApiCall call) => throw StripeException.Missing("charge", call.Id);

    public static JsonObject ListDisputes(ApiCall call) => Lists.Page<StripeObject>(call, "/v1/disputes", "dispute", []);
}
