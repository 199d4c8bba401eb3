using System.Text.Json.Nodes;

namespace PyResolve.StripeSimulator.Api;

internal sealed class ApiErrorException(int status, string type, string message) : Exception(message)
{
    private const string InvalidRequest = "invalid_request_error";

    public int Status => status;

    public string? Code { get; init; }

    public string? Param { get; init; }

    public string? DeclineCode { get; init; }

    /// <summary>Whether the request was refused before anything was done: such an answer is not stored for the idempotency key.</summary>
    public bool IsBeforeExecution { get; init; }

    public JsonObject Render()
    {
        var error = new JsonObject();
        if (Code is not null)
        {
            error["code"] = Code;
            error["doc_url"] = $"https://stripe.com/docs/error-codes/{Code.Replace('_', '-')}";
        }

        if (DeclineCode is not null)
            error["decline_code"] = DeclineCode;
        error["message"] = Message;
        if (Param is not null)
            error["param"] = Param;
        error["type"] = type;
        return new JsonObject { ["error"] = error };
    }

    public static ApiErrorException Unauthorized(string message) =>
        new(StatusCodes.Status401Unauthorized, InvalidRequest, message) { IsBeforeExecution = true };

    public static ApiErrorException UnknownRoute(string method, string path) =>
        new(
            StatusCodes.Status404NotFound,
            InvalidRequest,
            $"Unrecognized request URL ({method}: {path}). The simulator does not have this call; Stripe may.")
        {
            IsBeforeExecution = true,
        };

    public static ApiErrorException Malformed(string message, string? param = null, string? code = null) =>
        new(StatusCodes.Status400BadRequest, InvalidRequest, message) { Param = param, Code = code, IsBeforeExecution = true };

    public static ApiErrorException Invalid(string message, string? param = null, string? code = null) =>
        new(StatusCodes.Status400BadRequest, InvalidRequest, message) { Param = param, Code = code };

    public static ApiErrorException UnknownParameter(string param) =>
        Malformed($"The simulator does not have this parameter: {param}. Stripe may.", param, "parameter_unknown");

    public static ApiErrorException UnknownValue(string param, IReadOnlyList<string> known) => Malformed(
        $"Invalid {param}: the simulator has only {string.Join(", ", known)}. Stripe may have others.", param);

    public static ApiErrorException MissingParameter(string param) =>
        Malformed($"Missing required param: {param}.", param, "parameter_missing");

    /// <summary>404 for an id in the path, 400 for an id in a parameter.</summary>
    public static ApiErrorException Missing(string kind, string id, string? param = null) =>
        new(
            param is null ? StatusCodes.Status404NotFound : StatusCodes.Status400BadRequest,
            InvalidRequest,
            $"No such {kind}: '{id}'")
        {
            Code = "resource_missing",
            Param = param ?? "id",
        };

    public static ApiErrorException CardDeclined(string message) =>
        new(StatusCodes.Status402PaymentRequired, "card_error", message) { Code = "card_declined", DeclineCode = "generic_decline" };

    public static ApiErrorException OtherParameters(string key) =>
        new(
            StatusCodes.Status400BadRequest,
            "idempotency_error",
            "Keys for idempotent requests can only be used with the same parameters they were first used with. "
            + $"Try using a key other than '{key}' if you meant to execute a different request.")
        {
            IsBeforeExecution = true,
        };

    public static ApiErrorException InProgress(string key) =>
        new(
            StatusCodes.Status409Conflict,
            "idempotency_error",
            $"There is currently another in-progress request using this Idempotency-Key ('{key}'). Please try again later.")
        {
            Code = "idempotency_key_in_use",
            IsBeforeExecution = true,
        };
}
