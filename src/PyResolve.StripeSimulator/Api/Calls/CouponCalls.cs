using System.Globalization;
using System.Text.Json.Nodes;
using PyResolve.StripeSimulator.Lifecycle;
using PyResolve.StripeSimulator.Objects;

namespace PyResolve.StripeSimulator.Api.Calls;

/// <summary>Coupons, the codes that give them, and the discounts of a request.</summary>
internal static class CouponCalls
{
    public static JsonObject Create(ApiCall call)
    {
        var (state, form) = (call.State, call.Form);
        var percent = Percent(form);
        var amount = form.Number("amount_off");
        if (percent is null == amount is null)
            throw ApiErrorException.Invalid("Must provide percent_off or amount_off, and not both.", "percent_off");
        if (amount is not null && !form.Has("currency"))
            throw ApiErrorException.Invalid("Must provide currency when amount_off is passed.", "currency");
        if (amount <= 0)
            throw ApiErrorException.Invalid("Invalid positive integer", "amount_off");
        var duration = form.Text("duration") ?? "once";
        if (duration == "repeating" != form.Has("duration_in_months"))
            throw ApiErrorException.Invalid("`duration_in_months` belongs to `duration=repeating`.", "duration_in_months");
        if (form.Text("id") is { } taken && state.Coupons.Contains(taken))
            throw ApiErrorException.Invalid("Coupon already exists.", "id", "resource_already_exists");
        var coupon = state.Coupons.Add(new Coupon
        {
            Id = form.Text("id") ?? state.Ids.Next("co").Replace("_", "", StringComparison.Ordinal),
            Created = state.Now,
            Name = form.Text("name"),
            PercentOff = percent,
            AmountOff = amount,
            Currency = form.Text("currency"),
            Duration = duration,
            DurationInMonths = (int?)form.Number("duration_in_months"),
            MaxRedemptions = form.Number("max_redemptions"),
            RedeemBy = form.Number("redeem_by"),
            Metadata = form.Merge("metadata"),
        });
        state.Events.Emit(coupon, "created");
        return coupon.Render();
    }

    public static JsonObject Get(ApiCall call) => Find(call).Render();

    public static JsonObject Update(ApiCall call)
    {
        var coupon = Find(call);
        call.State.Events.Change(coupon, () =>
        {
            coupon.Name = call.Form.Text("name") ?? coupon.Name;
            coupon.Metadata = call.Form.Merge("metadata", coupon.Metadata);
        });
        return coupon.Render();
    }

    public static JsonObject List(ApiCall call) => Lists.Page(call, "/v1/coupons", "coupon", call.State.Coupons.NewestFirst.Where(
        coupon => !coupon.IsDeleted && Lists.MatchesRange(call.Form, "created", coupon.Created)));

    /// <summary>Nobody can use it any more; discounts that it gave stay.</summary>
    public static JsonObject Delete(ApiCall call)
    {
        var coupon = Find(call);
        var last = coupon.Render();
        coupon.IsDeleted = true;
        call.State.Events.Emit("coupon.deleted", last);
        return coupon.Render();
    }

    public static JsonObject CreateCode(ApiCall call)
    {
        var (state, form) = (call.State, call.Form);
        var param = "promotion[coupon]";
        var coupon = ApiCall.GetByParameter(
            state.Coupons, "coupon", form.Text("promotion.coupon") ?? throw ApiErrorException.MissingParameter(param), param);
        var customer = call.FindByParameter(state.Customers, "customer", "customer");
        var code = form.Text("code") ?? state.Ids.Next("CODE").Replace("_", "", StringComparison.Ordinal).ToUpperInvariant();
        if (state.PromotionCodes.All.Any(known =>
            known.IsActive && string.Equals(known.Code, code, StringComparison.OrdinalIgnoreCase) && known.CustomerId == customer?.Id))
            throw ApiErrorException.Invalid("An active promotion code with `code: " + code + "` already exists.", "code");
        var made = state.PromotionCodes.Add(new PromotionCode
        {
            Id = state.Ids.Next("promo"),
            Created = state.Now,
            Code = code,
            Coupon = coupon,
            CustomerId = customer?.Id,
            ExpiresAt = form.Number("expires_at"),
            MaxRedemptions = form.Number("max_redemptions"),
            IsActive = form.Text("active") != "false",
            Metadata = form.Merge("metadata"),
        });
        state.Events.Emit(made, "created");
        return made.Render();
    }

    public static JsonObject GetCode(ApiCall call) => call.GetByPath(call.State.PromotionCodes, "promotion code").Render();

    public static JsonObject UpdateCode(ApiCall call)
    {
        var code = call.GetByPath(call.State.PromotionCodes, "promotion code");
        call.State.Events.Change(code, () =>
        {
            code.IsActive = call.Form.Text("active") is { } active ? active == "true" : code.IsActive;
            code.Metadata = call.Form.Merge("metadata", code.Metadata);
        });
        return code.Render();
    }

    public static JsonObject ListCodes(ApiCall call) => Lists.Page(
        call, "/v1/promotion_codes", "promotion code", call.State.PromotionCodes.NewestFirst.Where(code =>
            Lists.Matches(call.Form, "active", code.IsActive ? "true" : "false")
            && (call.Form.Text("code") is not { } text || string.Equals(text, code.Code, StringComparison.OrdinalIgnoreCase))
            && Lists.Matches(call.Form, "coupon", code.Coupon.Id)
            && Lists.Matches(call.Form, "customer", code.CustomerId)
            && Lists.MatchesRange(call.Form, "created", code.Created)));

    /// <summary><c>discounts</c>: each is a coupon or a promotion code.</summary>
    public static IReadOnlyList<Reduction> ReadReductions(ApiCall call, string? customerId) =>
        [.. call.Form.Elements("discounts").Select(discount => ReadReduction(call, discount, customerId))];

    private static Reduction ReadReduction(ApiCall call, Form discount, string? customerId)
    {
        var state = call.State;
        if (discount.Text("promotion_code") is { Length: > 0 } code)
        {
            var param = $"{discount.Name}[promotion_code]";
            var found = ApiCall.GetByParameter(state.PromotionCodes, "promotion code", code, param);
            return found.IsValidAt(state.Now, customerId)
                ? new Reduction(found.Coupon, found)
                : throw ApiErrorException.Invalid("This promotion code cannot be redeemed.", param);
        }

        var name = $"{discount.Name}[coupon]";
        var coupon = ApiCall.GetByParameter(
            state.Coupons, "coupon", discount.Text("coupon") ?? throw ApiErrorException.MissingParameter(name), name);
        return coupon.IsValidAt(state.Now)
            ? new Reduction(coupon, Code: null)
            : throw ApiErrorException.Invalid($"Coupon expired: {coupon.Id}", name, "coupon_expired");
    }

    private static Coupon Find(ApiCall call) => call.GetByPath(call.State.Coupons, "coupon") is { IsDeleted: false } coupon
        ? coupon
        : throw ApiErrorException.Missing("coupon", call.Id);

    private static decimal? Percent(Form form) => form.Text("percent_off") is not { } text
        ? null
        : decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var percent) && percent is > 0 and <= 100
            ? percent
            : throw ApiErrorException.Invalid("Invalid decimal: must be greater than 0 and at most 100", "percent_off");
}
