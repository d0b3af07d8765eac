from django import forms
from paas.storage.images import MAX_MEGABYTES, MAX_MEGAPIXELS, validate_and_reencode

TYPES = ",".join(f"image/{name.lower()}" for name in MAX_MEGAPIXELS)


class PictureForm(forms.Form):
    image = forms.FileField(
        label="A new picture",
        help_text=f"JPEG, PNG, WebP or GIF, up to {MAX_MEGABYTES} MB.",
        widget=forms.FileInput(attrs={"accept": TYPES}),
    )

    def clean_image(self):
        return validate_and_reencode(self.cleaned_data["image"])
