from django import forms
from django.utils.translation import gettext_lazy as _
from paas.storage.images import MAX_MEGABYTES, MAX_MEGAPIXELS, validate_and_reencode

TYPES = ",".join(f"image/{name.lower()}" for name in MAX_MEGAPIXELS)


class PictureForm(forms.Form):
    image = forms.FileField(
        label=_("A new picture"),
        help_text=_("JPEG, PNG, WebP or GIF, up to %(size)s MB.") % {"size": MAX_MEGABYTES},
        widget=forms.FileInput(attrs={"accept": TYPES}),
    )

    def clean_image(self):
        return validate_and_reencode(self.cleaned_data["image"])
