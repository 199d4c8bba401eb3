using Microsoft.AspNetCore.Http.HttpResults;
using PyResolve.Client.Wire;
using PyResolve.Server.Access;
using PyResolve.Server.Audit;
using PyResolve.Server.Http;
using PyResolve.Server.SecondFactor;

namespace PyResolve.Server.Accounts;

internal static class TotpEndpoints
{
    public static void MapTotp(this IEndpointRouteBuilder routes)
    {
        var totp = routes.MapGroup("/auth/totp").WithTags("Accounts");
        totp.MapPost("", Begin).RequireSession();
        totp.MapPost("/confirm", Confirm).RequireSession();
        totp.MapDelete("", Remove).RequireSession();
    }

    /// <summary>Checks that a field has a text, no longer than a code.</summary>
    public static void Code(this FieldErrors errors, string field, string? value) =>
        errors.Text(field, value, SecondFactors.MaxCodeLength, required: true);

    private static async Task<Results<JsonAnswer<TotpSetup>, ProblemResult>> Begin(HttpContext http, SecondFactorSettings settings)
    {
        var outcome = await settings.BeginAsync(http.Caller(), http.RequestAborted);
        return outcome.Value is { } setup ? Answers.Ok(setup) : outcome.Problem!;
    }

    private static async Task<Results<JsonAnswer<TotpConfirmed>, ProblemResult>> Confirm(
        Body<TotpCodeRequest> body, HttpContext http, SecondFactorSettings settings)
    {
        var outcome = await settings.ConfirmAsync(http.Caller(), CodeOf(body.Value), Origin.Of(http), http.RequestAborted);
        return outcome.Value is { } confirmed ? Answers.Ok(confirmed) : outcome.Problem!;
    }

    private static async Task<Results<NoContent, ProblemResult>> Remove(
        Body<TotpCodeRequest> body, HttpContext http, SecondFactorSettings settings)
    {
        var problem = await settings.RemoveAsync(http.Caller(), CodeOf(body.Value), Origin.Of(http), http.RequestAborted);
        return problem is null ? TypedResults.NoContent() : problem;
    }

    private static string CodeOf(TotpCodeRequest request)
    {
        var errors = new FieldErrors();
        errors.Code("code", request.Code);
        errors.ThrowIfAny();
        return request.Code!;
    }
}
