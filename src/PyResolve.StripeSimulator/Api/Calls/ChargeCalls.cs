using System.Text.Json.Nodes;
using PyResolve.StripeSimulator.Objects;

namespace PyResolve.StripeSimulator.Api.Calls;

/// <summary>The simulator has no charges or disputes: payments are part of their invoices.</summary>
internal static class ChargeCalls
{
    public static JsonObject List(ApiCall call) => Lists.Page<StripeObject>(call, "/v1/charges", "charge", []);

    public static JsonObject Get(ApiCall call) => throw ApiErrorException.Missing("charge", call.Id);

    public static JsonObject ListDisputes(ApiCall call) => Lists.Page<StripeObject>(call, "/v1/disputes", "dispute", []);
}
